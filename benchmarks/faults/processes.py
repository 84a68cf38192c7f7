"""Processes that are killed, stopped and started on purpose: what `demo.supervisor` would restart, this one leaves."""

import contextlib
import os
import resource
import signal
import subprocess
from pathlib import Path

import psutil

from demo.supervisor import ProcessSpec


class Processes:
    """By name. Takes the place of the supervisor where the demo starts its servers."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir = log_dir
        self._specs: dict[str, ProcessSpec] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    async def start(self, spec: ProcessSpec) -> None:
        self.run(spec)

    def run(self, spec: ProcessSpec) -> None:
        self._specs[spec.name] = spec
        self.start_again(spec.name)

    def start_again(self, name: str, largest_file: int | None = None) -> None:
        """As a supervisor does, after what the last one left is gone. `largest_file`: bytes, as if no more fitted."""
        spec, before = self._specs[name], self._running.get(name)
        if before is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(before.pid, signal.SIGKILL)
            before.wait()
        with (self._log_dir / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                spec.command,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **spec.environment},
                stdin=subprocess.PIPE if spec.stdin is not None else subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=spec.folder,
                preexec_fn=None if largest_file is None else lambda: _limit_files(largest_file),
                **(spec.user.run_as() if spec.user else {}),
            )
        if spec.stdin is not None and process.stdin is not None:
            process.stdin.write(spec.stdin)
            process.stdin.close()
        self._running[name] = process

    def kill(self, name: str) -> None:
        """kill -9, of this one process."""
        self._running[name].kill()
        self._running[name].wait()

    def stop(self, name: str) -> None:
        """In order, as its supervisor would stop it."""
        process = self._running[name]
        process.send_signal(self._specs[name].stop_signal)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            self.kill(name)

    def ensure_running(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None:
                self.start_again(name)

    def is_running(self, name: str) -> bool:
        return self._running[name].poll() is None

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def disk_full(self, name: str, *, is_full: bool) -> None:
        """No file of this process, or of a child that it starts from now on, can grow (RLIMIT_FSIZE)."""
        process = psutil.Process(self.pid(name))
        most = process.rlimit(psutil.RLIMIT_FSIZE)[1]
        process.rlimit(psutil.RLIMIT_FSIZE, (0 if is_full else most, most))

    def end_all(self) -> None:
        for name in reversed(self._running):
            if self.is_running(name):
                self._running[name].send_signal(self._specs[name].stop_signal)
        for name, process in reversed(self._running.items()):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if process.poll() is None:
                process.kill()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            self._specs.pop(name)


def _limit_files(most: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
