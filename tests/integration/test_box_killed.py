"""SIGKILL at any moment of a box's life, and it comes up with a whole bundle; SIGTERM, and it ends in order.

The process is the real agent with the real store and real sockets, without models (tests.simulators.lone_box), so that
it can be killed often: while it downloads, stages, activates, confirms and remembers.
"""

import hashlib
import itertools
import os
import random
import signal
import time

import msgspec
import pytest

from edge_runtime.bundles.pointer import Pointer
from edge_runtime.bundles.store import BundleStore, manifest_tensors
from tests.simulators.box import publish
from tests.simulators.box_server import FleetServer
from tests.simulators.forks import forked
from tests.simulators.lone_box import main

KILLS = 8
LONGEST_S = 0.6  # after which a process is killed: about what it takes to reach its target


@pytest.fixture
def server():
    with FleetServer() as running:
        yield running


@pytest.fixture
def start(server, tmp_path):
    """A box on `folder` whose agent runs."""
    starts = itertools.count()

    def started(folder):
        folder.mkdir(exist_ok=True)
        output = tmp_path / f"output-{next(starts)}"
        box = forked(main, server.url, server.public_key, folder, output=output)
        until(lambda: output.exists() and output.read_bytes() == b"started\n")
        return box

    return started


def assert_whole(folder):
    """What is on disk right now is a bundle with every tensor, or none yet; never a part of one."""
    root = folder / "bundles"
    path = root / "current.json"
    pointer = msgspec.json.decode(path.read_bytes(), type=Pointer) if path.exists() else Pointer()
    for blob in (root / "blobs").glob("*"):
        if blob.suffix != ".part":
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    if pointer.current:
        store = BundleStore(root)
        for digest in manifest_tensors(store.manifest(pointer.current)):
            assert (root / "blobs" / digest).exists()


def test_a_box_killed_at_any_moment_comes_up_with_a_whole_bundle(server, start, tmp_path):
    chance = random.Random(1)
    for kill in range(KILLS):
        values = [chance.random() for _ in range(40)]
        digest, _ = publish(server, *values, version=kill + 1)
        box = start(tmp_path / "box")
        time.sleep(chance.uniform(0.0, LONGEST_S))
        box.kill()
        box.join(10)
        assert_whole(tmp_path / "box")
    box = start(tmp_path / "box")
    try:
        until(lambda: server.reports and server.reports[-1].manifest_digest == digest)
    finally:
        box.kill()
        box.join(10)
    assert_whole(tmp_path / "box")
    assert BundleStore(tmp_path / "box" / "bundles").pointer.current == digest


def test_sigterm_ends_a_box_in_order_within_two_seconds_whatever_it_does(server, start, tmp_path):
    publish(server, 1, 2, version=1)
    for wait_s in (0.0, 0.3):
        box = start(tmp_path / "box")
        time.sleep(wait_s)
        started = time.monotonic()
        os.kill(box.pid, signal.SIGTERM)
        box.join(20)
        assert box.exitcode == 0
        took_s = time.monotonic() - started
        assert took_s < 2.0 * busyness()
        assert_whole(tmp_path / "box")


def busyness():
    """How many programs share a core right now: two seconds are meant for a machine that is not overloaded."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def until(condition, timeout_s=60.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)
