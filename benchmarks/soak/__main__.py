"""Runs the box under everything that comes and goes, samples its process, and checks what must hold. `make soak`.

make soak ARGS="--minutes 60"     an hour, into benchmarks/results/soak.json
make soak ARGS="--minutes 1 --step-seconds 0.8 --rss-tolerance 0.1 --thread-tolerance 6 --out /tmp/soak.json"
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import psutil

from benchmarks.machine import circumstances, named, save
from benchmarks.soak.box import Answers
from benchmarks.soak.claims import Claim, Round, Sample, frame_claims, leak_claims, rounds, statistics_claim
from benchmarks.soak.comings import BYTES_FOR_MODELS, DEADLINE_MS, Comings
from edge_runtime.agent.enrolment import enrol
from edge_runtime.app import chosen_device
from edge_runtime.protocol.enrolment import Hardware
from tests.simulators.box_server import CODE, FleetServer

ROOT = Path(__file__).parents[2]
START_S = 300.0
SETTLE_S = 30.0
STOP_S = 10.0
SEEN_SLACK_MS = 250  # between the end of a run and the auditor's look at his clock
SAMPLE_S = 0.25
_HARDWARE = Hardware("soak", "", 0, 0, "cpu", "", "")


class Soak(msgspec.Struct, frozen=True):
    minutes: float
    step_seconds: float
    rounds: int
    bundles: int
    rss_tolerance: float
    claims: tuple[Claim, ...]
    by_round: tuple[Round, ...]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--step-seconds", type=float, default=3.0, help="between two things that come or go")
    parser.add_argument("--rss-tolerance", type=float, default=0.05)
    parser.add_argument("--thread-tolerance", type=int, default=0, help="for short runs: the event loop's pool fills")
    parser.add_argument("--out", type=Path, help="instead of benchmarks/results/soak.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, FleetServer() as server:
        soak = run(options, server, Path(folder))
    print("\n".join(claim.line() for claim in soak.claims))
    if options.out:
        content = msgspec.json.encode({**circumstances(), **msgspec.to_builtins(soak)})
        options.out.write_bytes(msgspec.json.format(content, indent=2))
    else:
        print(f"Written to {save(named('soak', chosen_device('auto')), msgspec.to_builtins(soak))}")
    return 0 if all(claim.held for claim in soak.claims) else 1


def run(options: argparse.Namespace, server: FleetServer, folder: Path) -> Soak:
    state, audit, comings = folder / "box", folder / "audit.json", Comings(server, folder)
    enrol(server=server.url, code=CODE, state_dir=state, hardware=_HARDWARE)
    comings.begin()
    what = (state, BYTES_FOR_MODELS, audit, DEADLINE_MS + SEEN_SLACK_MS)
    command = [sys.executable, "-m", "benchmarks.soak.box", *map(str, what)]
    log = (folder / "box.log").open("w")
    box = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stderr=log)
    try:
        _until_it_works(server, box)
        samples = _soaked(box, comings, 60 * options.minutes, options.step_seconds)
        _until(lambda: server.stats[-1].bundle_version == comings.bundles, SETTLE_S)
        ended = _ended(box)
        answers = msgspec.json.decode(audit.read_bytes(), type=dict[str, Answers])
    finally:
        box.kill()
        comings.close()
        log.close()
    counted = rounds(samples)
    seen = {query: (found.count, found.longest_ms, found.seen_late) for query, found in answers.items()}
    version = server.stats[-1].bundle_version
    return Soak(
        minutes=options.minutes,
        step_seconds=options.step_seconds,
        rounds=comings.rounds,
        bundles=comings.bundles,
        rss_tolerance=options.rss_tolerance,
        claims=(
            *leak_claims(counted, options.rss_tolerance, options.thread_tolerance),
            *frame_claims(server.stats, seen, DEADLINE_MS),
            statistics_claim(server.stats),
            Claim("every query was answered", len(seen) == 4, ", ".join(f"{q} {s[0]}" for q, s in seen.items())),
            Claim("runs the newest bundle", version == comings.bundles, f"version {version} of {comings.bundles}"),
            ended,
        ),
        by_round=counted,
    )


def _until_it_works(server: FleetServer, box: subprocess.Popen[bytes]) -> None:
    def works() -> bool:
        return any(query.processed for stats in server.stats for query in stats.queries)

    if not _until(lambda: works() or box.poll() is not None, START_S) or not works():
        raise SystemExit("The box did not start to work.")


def _until(condition: Callable[[], bool], timeout_s: float) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return condition()


def _soaked(box: subprocess.Popen[bytes], comings: Comings, seconds: float, step_s: float) -> list[Sample]:
    """Rounds until the time is over, the last one whole."""
    process, started, samples = psutil.Process(box.pid), time.monotonic(), list[Sample]()
    while time.monotonic() - started < seconds:
        for what, do in comings.round():
            do()
            samples += _watched(process, started, comings.rounds, step_s)
            if box.poll() is not None:
                raise SystemExit(f"The box ended by itself after this: {what}.")
    return samples


def _watched(process: psutil.Process, started: float, number: int, seconds: float) -> list[Sample]:
    until, samples = time.monotonic() + seconds, list[Sample]()
    while (now := time.monotonic()) < until:
        rss = process.memory_info().rss
        samples.append(Sample(now - started, number, rss, process.num_threads(), process.num_fds()))
        time.sleep(min(SAMPLE_S, max(0.0, until - time.monotonic())))
    return samples


def _ended(box: subprocess.Popen[bytes]) -> Claim:
    started = time.monotonic()
    box.send_signal(signal.SIGTERM)
    try:
        code: int | None = box.wait(STOP_S)
    except subprocess.TimeoutExpired:
        code = None
    took_s = time.monotonic() - started
    return Claim("ends when told", code == 0, f"exit code {code} after {took_s:.1f} s")


if __name__ == "__main__":
    sys.exit(main())
