"""Runs long-lived processes: prefixes and keeps their logs, restarts what crashes, stops everything in order.

Every process leads a session of its own, so a Ctrl-C in the terminal reaches only the supervisor, which then stops the
stages from the highest to the lowest. It knows nothing of what the processes are (see processes.py and servers.py).
"""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from demo.console import Console
from demo.survivors import PidRecord
from demo.unprivileged import UnprivilegedUser

LOG_LIMIT_BYTES = 5 * 2**20
BACKOFF_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
STEADY_AFTER_S = 60.0
LINE_LIMIT_BYTES = 2**20


@dataclass(frozen=True)
class ProcessSpec:
    """One process. Higher `stage`s stop first; `grace_s` after `stop_signal` the whole process group is killed.

    `stdin` is fed to the process at start. `user` is whom to run as, when root. A quiet one logs to its file only.
    `niceness` is how far it yields to the others (0 to 19).
    """

    name: str
    command: tuple[str, ...]
    stage: int
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 2.5
    stdin: bytes | None = None
    user: UnprivilegedUser | None = None
    folder: Path | None = None
    is_quiet: bool = False
    niceness: int = 0


class Supervisor:
    """Owns the processes it starts, from `start` to `stop`."""

    def __init__(self, var_dir: Path, console: Console) -> None:
        self._log_dir = var_dir / "log"
        self._log_dir.mkdir(parents=True, exist_ok=True)
        self._pids = PidRecord(var_dir / "run" / "processes.json")
        self._console = console
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._specs: dict[str, ProcessSpec] = {}
        self._keepers: dict[str, asyncio.Task[None]] = {}
        self._is_stopping = False

    async def start(self, spec: ProcessSpec) -> None:
        """Starts the process and keeps it running until `stop`."""
        self._specs[spec.name] = spec
        process = await self._launch(spec)
        self._keepers[spec.name] = asyncio.create_task(self._keep(spec, process))

    def is_running(self, name: str) -> bool:
        return name in self._running

    async def stop(self) -> None:
        """Stops all processes, stage by stage."""
        self._is_stopping = True
        for stage in sorted({spec.stage for spec in self._specs.values()}, reverse=True):
            names = [spec.name for spec in self._specs.values() if spec.stage == stage]
            await asyncio.gather(*(self._end(self._specs[name]) for name in names))
        for keeper in self._keepers.values():
            keeper.cancel()
        await asyncio.gather(*self._keepers.values(), return_exceptions=True)

    def kill(self) -> None:
        """Kills what still runs, at once."""
        for process in self._running.values():
            _kill_group(process.pid)

    async def _launch(self, spec: ProcessSpec) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *spec.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **spec.environment},
            stdin=asyncio.subprocess.PIPE if spec.stdin is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=LINE_LIMIT_BYTES,
            cwd=spec.folder,
            **(spec.user.run_as() if spec.user else {}),
        )
        if spec.stdin is not None and process.stdin is not None:
            process.stdin.write(spec.stdin)
            process.stdin.close()
        _yield_to_others(process.pid, spec.niceness)
        self._running[spec.name] = process
        self._pids.add(spec.name, process.pid, spec.stop_signal)
        return process

    async def _keep(self, spec: ProcessSpec, process: asyncio.subprocess.Process) -> None:
        """Follows the process; restarts it when it ends by itself, ever more slowly."""
        failures = 0
        while True:
            started = time.monotonic()
            await self._follow(spec, process)
            code = await process.wait()
            self._running.pop(spec.name, None)
            _kill_group(process.pid)  # what the process itself started and left behind
            self._pids.remove(process.pid)
            if self._is_stopping:
                return
            failures = 0 if time.monotonic() - started > STEADY_AFTER_S else failures + 1
            pause_s = BACKOFF_S[min(failures, len(BACKOFF_S)) - 1] if failures else BACKOFF_S[0]
            self._console.say(f"{spec.name} ended with exit code {code}; starting it again in {pause_s:.0f} s.")
            await asyncio.sleep(pause_s)
            process = await self._launch(spec)

    async def _follow(self, spec: ProcessSpec, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with _open_log(self._log_dir / f"{spec.name}.log") as log:
            while line := await _next_line(process.stdout):
                log.write(line)
                log.flush()
                if not spec.is_quiet:
                    self._console.line(spec.name, line.decode(errors="replace").rstrip())

    async def _end(self, spec: ProcessSpec) -> None:
        process = self._running.get(spec.name)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(spec.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), spec.grace_s)
        except TimeoutError:
            self._console.say(f"{spec.name} did not stop within {spec.grace_s:.0f} s and is killed.")
        _kill_group(process.pid)
        await process.wait()


async def _next_line(stream: asyncio.StreamReader) -> bytes:
    """The next line, b"" at the end. A line beyond the limit comes in pieces instead of stopping the log."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError as error:
        return await stream.read(error.consumed)


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def _yield_to_others(pid: int, niceness: int) -> None:
    """Linux weighs whole sessions first, so the niceness of a process that leads one is not enough."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
