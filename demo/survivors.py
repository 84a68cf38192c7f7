"""Finds processes that a killed earlier run left behind, and ends them before a new run starts.

Every process is written down with the time it was created, so that a number reused by a stranger is left alone.
"""

import contextlib
import json
import os
import signal
from pathlib import Path

import psutil

GRACE_S = 4.0
SAME_TIME_S = 1.0


class PidRecord:
    """The file with the processes of the current run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._entries: dict[int, dict[str, str | float]] = {}

    def add(self, name: str, pid: int, stop_signal: signal.Signals) -> None:
        with contextlib.suppress(psutil.Error):  # gone already
            created_at = psutil.Process(pid).create_time()
            self._entries[pid] = {"name": name, "created_at": created_at, "stop_signal": int(stop_signal)}
        self._save()

    def remove(self, pid: int) -> None:
        self._entries.pop(pid, None)
        self._save()

    def _save(self) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(self._entries))
        temporary.replace(self._path)


def end_survivors(path: Path) -> list[str]:
    """Ends what the record at `path` names and still runs; returns the names."""
    try:
        entries = json.loads(path.read_text())
    except (OSError, ValueError):
        return []
    alive = {int(pid): entry for pid, entry in entries.items() if _is_same(int(pid), entry["created_at"])}
    for pid, entry in alive.items():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, entry["stop_signal"])
    _, stubborn = psutil.wait_procs([_process(pid) for pid in alive if psutil.pid_exists(pid)], timeout=GRACE_S)
    for pid in alive:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=GRACE_S)
    path.unlink(missing_ok=True)
    return [str(entry["name"]) for entry in alive.values()]


def _process(pid: int) -> psutil.Process:
    return psutil.Process(pid)


def _is_same(pid: int, created_at: float) -> bool:
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - created_at) < SAME_TIME_S
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
