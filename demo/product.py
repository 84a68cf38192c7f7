"""The whole product on this machine: order of start, what is said, and the end. No Django: see seed.py, watch.py."""

import asyncio
import contextlib
import http.client
import json
import signal
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from demo import processes
from demo.boxes import point_at
from demo.console import Console
from demo.instance import choose_port, instance_write, only_instance
from demo.options import Options
from demo.password import ADMINISTRATOR, password_new
from demo.prepare import prepare, run_python
from demo.seeding import DEMO_BOXES
from demo.servers import start_servers
from demo.supervisor import Supervisor
from demo.survivors import end_survivors
from edge_runtime.protocol.errors import GemelError

UP_TIMEOUT_S = 90.0
READY_FILE = "seeded.json"


class ProductError(GemelError):
    code = "demo_product"


@dataclass
class _Run:
    """What the steps of one run share."""

    options: Options
    console: Console
    supervisor: Supervisor
    started: float
    url: str
    port: int

    def passed_s(self) -> float:
        return time.monotonic() - self.started


async def run_product(options: Options) -> None:
    """Runs until Ctrl-C or SIGTERM. Raises GemelError with a sentence when it cannot start."""
    console = Console(has_process_lines=not options.is_quiet)
    with only_instance(options.var_dir):
        _end_previous_run(options.var_dir, console)
        port = choose_port(options.host, options.port)
        if port != options.port:
            console.say(f"Port {options.port} is in use, so the address has port {port}.")
        supervisor = Supervisor(options.var_dir, console)
        run = _Run(options, console, supervisor, time.monotonic(), _url(options.host, port), port)
        try:
            await _until_stopped(_start(run), supervisor)
        finally:
            console.say("Stopping.")
            await supervisor.stop()
            console.say(f"Stopped. Your data is kept in {options.var_dir}.")


async def _start(run: _Run) -> None:
    """Everything, in order; then waits for ever."""
    options, supervisor = run.options, run.supervisor
    seeded_at = _seeded_at(options.var_dir)
    run.console.say(
        "Starting Gemel Fleet." if seeded_at is None else f"Your data of {seeded_at:%d %B %Y %H:%M} is kept."
    )
    servers = await start_servers(supervisor, options.var_dir)
    shared = processes.environment(options.var_dir, servers)
    await prepare(options.var_dir, shared)
    await supervisor.start(processes.web(shared, options.host, run.port))
    await _wait_for_web(run)
    run.console.say(f"Server up after {run.passed_s():.1f} s: {run.url}")
    for spec in (processes.light_worker(shared), processes.gpu_worker(shared), processes.beat(shared)):
        await supervisor.start(spec)
    if seeded_at is None:
        await _seed_fleet(run, shared)
    await supervisor.start(processes.watch(shared, run.url, time.time() - run.passed_s()))
    for box in DEMO_BOXES:
        point_at(options.var_dir, box.name, run.url)
        await supervisor.start(processes.box(shared, options.var_dir, box))
    instance_write(options.var_dir, run.url, servers)
    run.console.say(f"Gemel Fleet runs at {run.url}. Ctrl-C stops it.")
    if seeded_at is None:
        await _seed_rest(run, shared)
    await asyncio.Event().wait()


async def _seed_fleet(run: _Run, shared: dict[str, str]) -> None:
    """Boxes, cameras and models, with a password that is printed here and nowhere kept in clear."""
    password = run.options.password or password_new()
    own = {"GEMEL_DEMO_PASSWORD": password} | ({"GEMEL_DEMO_PASSWORD_KEPT": "1"} if run.options.password else {})
    await run_python(shared | own, "-m", "demo.seed", "fleet", run.url, doing="set up the demo's boxes")
    if run.options.password is None:
        run.console.say(f"Sign in as {ADMINISTRATOR} with the password {password} (shown only this once).")


async def _seed_rest(run: _Run, shared: dict[str, str]) -> None:
    """Queries, then frames for merging, while the boxes run already."""
    await run_python(shared, "-m", "demo.seed", "workload", doing="set up the demo's queries")
    run.console.say(f"The queries are set up after {run.passed_s():.1f} s; frames for merging come next.")
    await run_python(shared, "-m", "demo.frames", doing="collect the demo's frames")
    run.console.say(f"Everything is set up after {run.passed_s():.1f} s: a merge can be started.")
    ready = run.options.var_dir / "run" / READY_FILE
    ready.write_text(json.dumps({"seeded_at": datetime.now().astimezone().isoformat()}))


async def _wait_for_web(run: _Run) -> None:
    host = "127.0.0.1" if run.options.host in ("0.0.0.0", "") else run.options.host
    while not await asyncio.to_thread(_answers, host, run.port):
        if run.passed_s() > UP_TIMEOUT_S:
            log = run.options.var_dir / "log" / "web.log"
            raise ProductError(
                f"The web server did not answer within {UP_TIMEOUT_S:.0f} s. Its own words are in {log}."
            )
        await asyncio.sleep(0.1)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


async def _until_stopped(work: Coroutine[None, None, None], supervisor: Supervisor) -> None:
    """Runs `work` until it fails or a signal arrives. A second signal kills instead of stopping in order."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not task.cancel():
            supervisor.kill()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _end_previous_run(var_dir: Path, console: Console) -> None:
    ended = end_survivors(var_dir / "run" / "processes.json")
    if ended:
        console.say(f"An earlier run was killed; what it left running is stopped now: {', '.join(ended)}.")


def _seeded_at(var_dir: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads((var_dir / "run" / READY_FILE).read_text())["seeded_at"])
    except (OSError, ValueError, KeyError):
        return None


def _url(host: str, port: int) -> str:
    """The address to open. Listening on every address is not an address."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
