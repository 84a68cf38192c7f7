"""kill -9 of every process, and servers that stay away for a while."""

import time

from benchmarks.faults.fault import Outcome, Violated, fault
from benchmarks.faults.fleet import publish, put_back
from benchmarks.faults.product import BOX, Product
from edge_runtime.bundles.store import BundleStore


@fault("web killed (kill -9)")
def web_killed(product: Product) -> Outcome:
    product.processes.kill("web")
    product.processes.start_again("web")
    return Outcome(product.recovered(), "the box connects again and sends what was not acknowledged")


@fault("beat killed (kill -9)")
def beat_killed(product: Product) -> Outcome:
    product.processes.kill("beat")
    product.processes.start_again("beat")
    return Outcome(product.recovered(), "boxes do not notice; a lost job is sent again after beat's start, see below")


@fault("box killed (kill -9)", bound="2 s of statistics", samples_allowed=2)
def box_killed(product: Product) -> Outcome:
    killed = time.time()
    product.processes.kill(BOX)
    product.processes.start_again(BOX)
    took = product.recovered()
    return Outcome(took, "the same bundle runs again from disk", samples_lost=_tail_lost(product, killed))


@fault("box killed (kill -9) while it downloads a bundle", bound="2 s of statistics", samples_allowed=2)
def box_killed_downloading(product: Product) -> Outcome:
    query, bundle, digest = publish(product)
    arriving = product.state / "bundles" / "incoming" / digest
    product.network.cut_after = 400_000
    product.network.connect()
    product.until(arriving.exists)
    killed = time.time()
    product.processes.kill(BOX)
    _require_whole(product, bundle.manifest_digest)
    product.network.cut_after = None
    product.processes.start_again(BOX)
    took = product.recovered()
    tail = _tail_lost(product, killed)
    put_back(product, query)
    return Outcome(took, "the whole bundle before ran on; the download went on", samples_lost=tail)


@fault("PostgreSQL killed (kill -9)")
def postgres_killed(product: Product) -> Outcome:
    product.processes.kill("postgres")
    product.processes.start_again("postgres")
    return Outcome(product.recovered(), "nothing that was acknowledged is missing after its recovery")


@fault("PostgreSQL stopped for a minute")
def postgres_stopped(product: Product) -> Outcome:
    return _stopped(product, "postgres")


@fault("Redis killed (kill -9), empty afterwards")
def redis_killed(product: Product) -> Outcome:
    product.processes.kill("redis")
    product.processes.start_again("redis")
    return Outcome(product.recovered(), "it holds nothing that must survive")


@fault("Redis stopped for a minute")
def redis_stopped(product: Product) -> Outcome:
    return _stopped(product, "redis")


def _stopped(product: Product, process: str) -> Outcome:
    product.processes.stop(process)
    time.sleep(product.outage_s)
    product.processes.start_again(process)
    return Outcome(product.recovered(), f"away for {product.outage_s:.0f} s")


def _tail_lost(product: Product, killed: float) -> int:
    """Whole seconds between the last statistics from before the kill and it: a sample a second, the rest is none yet.

    To be asked when all is well again: what the killed box had spooled has come by then.
    """
    return int(killed - product.fleet.measured_before(killed))


def _require_whole(product: Product, downloading: str) -> None:
    """What a restart would run is on disk with every blob, and is not the one that is half there."""
    store = BundleStore(product.state / "bundles")
    current = store.pointer.current
    if current == downloading or not store.is_staged(current):
        raise Violated("the box was left without a whole bundle")
