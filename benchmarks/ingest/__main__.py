"""Simulated boxes over real WebSockets against the running product: web, PostgreSQL, Redis, beat and the light worker.

make bench-ingest                                                  500 boxes, two minutes, then upwards until it breaks
make bench-ingest ARGS="--boxes 100 --seconds 20 --rates 2 --out /tmp/ingest.json"

The boxes are on the same cores as the product. They do not poll their target over HTTP, and send no pictures or events.
"""

import argparse
import asyncio
import contextlib
import os
import random
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import psutil
import psycopg2
import redis

from benchmarks.claims import check_lines
from benchmarks.ingest.boxes import PROCESSED, Browser, SimulatedBox, connected
from benchmarks.ingest.claims import Day, Step, Stored, breaking_point, checks, delays
from benchmarks.ingest.day import DayBox
from benchmarks.ingest.fleet import QUERIES, SeededFleet
from benchmarks.machine import circumstances, save
from demo import processes
from demo.console import Console
from demo.prepare import prepare, run_python
from demo.processes import ROOT
from demo.servers import Servers, free_port, start_servers
from demo.supervisor import Supervisor
from demo.survivors import end_survivors

VAR_DIR = ROOT / "var" / "bench-ingest"
WARM_UP_S = 5.0
DRAIN_S = 60.0
CONNECTS_PER_S = 20.0
WATCHED = 8
PACKAGES = ("django", "channels", "channels-redis", "uvicorn", "websockets", "psycopg2-binary", "redis", "msgspec")
RATES = (1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boxes", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=120.0, help="at one sample a second and box")
    parser.add_argument("--rates", type=float, nargs="*", default=RATES, help="samples a second and box, afterwards")
    parser.add_argument("--step-seconds", type=float, default=20.0, help="at each of these")
    parser.add_argument("--day", action="store_true", help="also let a box come back with a day in its spool")
    parser.add_argument("--out", type=Path, help="instead of benchmarks/results/ingest.json")
    options = parser.parse_args()
    result = asyncio.run(run(options))
    if options.out:
        options.out.write_bytes(
            msgspec.json.format(msgspec.json.encode({**circumstances(PACKAGES), **result}), indent=2)
        )
    else:
        print(f"Written to {save('ingest', result, PACKAGES)}")
    return 0 if all(check["is_held"] for check in result["checks"]) else 1


async def run(options: argparse.Namespace) -> dict[str, Any]:
    """A product of its own, under var/bench-ingest, which it removes before and leaves afterwards."""
    end_survivors(VAR_DIR / "run" / "processes.json")
    shutil.rmtree(VAR_DIR, ignore_errors=True)
    (VAR_DIR / "run").mkdir(parents=True)
    supervisor = Supervisor(VAR_DIR, Console(has_process_lines=False))
    try:
        servers = await start_servers(supervisor, VAR_DIR)
        shared = processes.environment(VAR_DIR, servers)
        await prepare(VAR_DIR, shared)
        port = free_port()
        for spec in (
            processes.web(shared, "127.0.0.1", port),
            processes.light_worker(shared),
            processes.beat(shared),
        ):
            await supervisor.start(spec)
        path = VAR_DIR / "fleet.json"
        arguments = ("-m", "benchmarks.ingest.fleet", str(options.boxes + 1), str(path))
        await run_python(shared, *arguments, doing="seed the fleet")
        fleet = msgspec.json.decode(path.read_bytes(), type=SeededFleet)
        path.unlink()
        return await measured(options, fleet, f"http://127.0.0.1:{port}", servers)
    finally:
        await supervisor.stop()


async def measured(options: argparse.Namespace, fleet: SeededFleet, server: str, servers: Servers) -> dict[str, Any]:
    *seeded, of_the_day = fleet.boxes
    boxes = [SimulatedBox(one, server, random.Random(place)) for place, one in enumerate(seeded)]
    away = DayBox(of_the_day, server, VAR_DIR) if options.day else None
    tasks = await connected(boxes, server, CONNECTS_PER_S)
    browser = Browser(server, fleet.cookie, boxes[:WATCHED])
    tasks.append(asyncio.create_task(browser.run()))
    steps, day = list[Step](), None
    for rate_fps in (1.0, *options.rates):
        seconds = options.step_seconds if steps else options.seconds
        steps.append(await step(boxes, browser, rate_fps, seconds))
        print(line(steps[-1]), flush=True)
        if away and day is None:
            day = await among_others(away, boxes, servers)
        if not steps[-1].holds:
            break
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    stored = await asyncio.to_thread(stored_of, servers, [*boxes, *([away] if away else [])])
    found = list(checks(len(boxes), QUERIES, steps, stored, day))
    held, broke = breaking_point(steps)
    print("\n".join(check_lines(found)))
    print(f"held at {held} samples/s, broke at {broke or 'none that was tried'}")
    return {
        "servers": await asyncio.to_thread(server_versions, servers),
        "boxes": len(boxes),
        "queries_per_box": QUERIES,
        "checks": [vars(check) for check in found],
        "held_samples_per_s": held,
        "broke_samples_per_s": broke,
        "steps": msgspec.to_builtins(steps),
        "day": msgspec.to_builtins(day),
        "stored": msgspec.to_builtins(stored),
    }


async def among_others(away: DayBox, boxes: Sequence[SimulatedBox], servers: Servers) -> Day:
    for box in boxes:
        box.rate_fps = 1.0
    day = await away.come_back(servers)
    for box in boxes:
        box.rate_fps = 0.0
    return day


async def step(boxes: Sequence[SimulatedBox], browser: Browser, rate_fps: float, seconds: float) -> Step:
    """Warms up at the rate, measures, stops, and waits until everything is acknowledged."""
    for box in boxes:
        box.rate_fps = rate_fps
    await asyncio.sleep(WARM_UP_S)
    for box in boxes:
        box.outbox.took_s.clear()
        box.late_s.clear()
    browser.took_s.clear()
    sent, cpu, began = sum(box.seq for box in boxes), cpu_s(), time.monotonic()
    await asyncio.sleep(seconds)
    lasted = time.monotonic() - began
    for box in boxes:
        box.rate_fps = 0.0
    sent, used = sum(box.seq for box in boxes) - sent, cpu_s()
    stopped = time.monotonic()
    while (left := sum(box.seq - box.outbox.acknowledged for box in boxes)) and time.monotonic() - stopped < DRAIN_S:
        await asyncio.sleep(0.05)
    return Step(
        rate_fps=rate_fps,
        samples_per_s=round(sent / lasted, 1),
        seconds=round(lasted, 1),
        sent=sent,
        left=left,
        drained_s=round(time.monotonic() - stopped, 2),
        to_row=delays([took for box in boxes for took in box.outbox.took_s]),
        to_browser=delays(browser.took_s),
        box_late_p99_ms=delays([late for box in boxes for late in box.late_s]).p99_ms,
        cpu_ms_per_sample={
            name: round(1000 * (spent - cpu.get(name, 0.0)) / max(1, sent), 3) for name, spent in sorted(used.items())
        },
    )


def line(step: Step) -> str:
    cpu = ", ".join(f"{name} {spent:.2f}" for name, spent in step.cpu_ms_per_sample.items())
    return (
        f"{step.samples_per_s:7.1f} samples/s: to the row p50 {step.to_row.p50_ms} p99 {step.to_row.p99_ms} ms, to a "
        f"browser p99 {step.to_browser.p99_ms} ms, {step.left} left after {step.drained_s} s; CPU ms/sample: {cpu}"
    )


def cpu_s() -> dict[str, float]:
    """CPU seconds so far, by what a process is. PostgreSQL's ended connections are in its first process's children."""
    spent = {"boxes": sum(psutil.Process().cpu_times()[:2])}
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            words = " ".join(process.cmdline())
            name = next((name for name in ("uvicorn", "postgres", "redis", "celery") if name in words), "other")
            times = process.cpu_times()
            is_first = name == "postgres" and process.ppid() == os.getpid()
            spent[name] = spent.get(name, 0.0) + sum(times[:4] if is_first else times[:2])
    return spent


def server_versions(servers: Servers) -> dict[str, str]:
    with contextlib.closing(psycopg2.connect(servers.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        postgres = cursor.fetchone()[0]
    with contextlib.closing(redis.Redis.from_url(servers.redis_url)) as client:
        return {"postgresql": postgres, "redis": client.info("server")["redis_version"]}


def stored_of(servers: Servers, boxes: Sequence[SimulatedBox]) -> Stored:
    """Asked of PostgreSQL itself."""
    with contextlib.closing(psycopg2.connect(servers.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT box_id::text, boot_id, seq FROM telemetry_boxsample")
        rows = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM telemetry_querysample")
        query_rows = cursor.fetchone()[0]
        cursor.execute("SELECT coalesce(sum(frames), 0) FROM results_minutecount")
        frames = cursor.fetchone()[0]
    sent = {(box.box, box.boot_id, seq) for box in boxes for seq in range(1, box.seq + 1)}
    return Stored(
        sent=len(sent),
        rows=len(rows),
        missing=len(sent - set(rows)),
        twice=len(rows) - len(set(rows)),
        query_rows=query_rows,
        frames_sent=len(sent) * QUERIES * PROCESSED,
        frames_counted=frames,
    )


if __name__ == "__main__":
    sys.exit(main())
