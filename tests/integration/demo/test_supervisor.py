"""The supervisor with small real processes."""

import asyncio
import io
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from demo import supervisor as supervisor_module
from demo.console import Console
from demo.supervisor import ProcessSpec, Supervisor
from demo.survivors import end_survivors

TIMEOUT_S = 20
IGNORES_TERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(99)"
)


def _python(name: str, code: str, stage: int = 1, grace_s: float = 5.0) -> ProcessSpec:
    return ProcessSpec(name=name, command=(sys.executable, "-c", code), stage=stage, grace_s=grace_s)


class _Room:
    """A supervisor and what it wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, io.StringIO()
        self.supervisor = Supervisor(folder, Console(self.out))

    async def line(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while self.out.getvalue().count(text) < times:
                await asyncio.sleep(0.02)

    def pid_after(self, text: str) -> int:
        return int(self.out.getvalue().split(text)[1].split()[0])


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _Room:
    monkeypatch.setattr(supervisor_module, "BACKOFF_S", (0.01,))
    return _Room(tmp_path)


async def test_prefixes_lines_and_keeps_them_in_a_file(room: _Room) -> None:
    await room.supervisor.start(_python("web", "print('hello'); import time; time.sleep(99)"))
    await room.line("| hello")
    await room.supervisor.stop()
    assert "web           | hello" in room.out.getvalue()
    assert (room.folder / "log" / "web.log").read_text() == "hello\n"


async def test_starts_a_crashed_process_again(room: _Room) -> None:
    await room.supervisor.start(_python("box", "print('up', flush=True); raise SystemExit(3)"))
    await room.line("| up", times=2)
    await room.supervisor.stop()
    assert "box ended with exit code 3" in room.out.getvalue()


async def test_a_process_yields_as_far_as_it_is_told(room: _Room) -> None:
    code = "import os, time; print('pid', os.getpid(), flush=True); time.sleep(99)"
    await room.supervisor.start(replace(_python("box", code), niceness=7))
    await room.line("| pid")
    pid = room.pid_after("| pid")
    session = Path(f"/proc/{pid}/autogroup")  # not on every Linux
    yielding = psutil.Process(pid).nice(), session.read_text().split()[-1] if session.exists() else "7"
    await room.supervisor.stop()
    assert yielding == (7, "7")


async def test_stops_higher_stages_before_lower_ones(room: _Room) -> None:
    code = (
        "import signal, sys, time\n"
        "def stop(*_):\n    time.sleep(0.2); print('gone', flush=True); sys.exit()\n"
        "signal.signal(signal.SIGTERM, stop); print('up', flush=True); time.sleep(99)"
    )
    for name, stage in (("server", 0), ("web", 1), ("work", 2)):
        await room.supervisor.start(_python(name, code, stage=stage))
    await room.line("| up", times=3)
    await room.supervisor.stop()
    gone = [line.split()[0] for line in room.out.getvalue().splitlines() if line.endswith("gone")]
    assert gone == ["work", "web", "server"]


async def test_kills_what_ignores_the_signal(room: _Room) -> None:
    await room.supervisor.start(_python("stubborn", IGNORES_TERM, grace_s=0.2))
    await room.line("| up")
    await room.supervisor.stop()
    assert "stubborn did not stop" in room.out.getvalue()
    assert not room.supervisor.is_running("stubborn")


async def test_leaves_no_child_of_a_process_behind(room: _Room) -> None:
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])\n"
        "print('child', child.pid, flush=True); time.sleep(99)"
    )
    await room.supervisor.start(_python("parent", code))
    await room.line("| child")
    pid = room.pid_after("| child")
    await room.supervisor.stop()
    psutil.wait_procs([process for process in psutil.process_iter() if process.pid == pid], timeout=5)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_a_line_longer_than_the_limit_does_not_stop_the_log(room: _Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor_module, "LINE_LIMIT_BYTES", 1000)
    await room.supervisor.start(_python("web", "print('x' * 5000); print('after', flush=True); input()"))
    await room.line("| after")
    await room.supervisor.stop()


async def test_the_next_start_ends_what_a_killed_run_left(room: _Room) -> None:
    await room.supervisor.start(
        _python("left", "import os, time; print('pid', os.getpid(), flush=True); time.sleep(99)")
    )
    await room.line("| pid")
    pid = room.pid_after("| pid")
    record = room.folder / "run" / "processes.json"
    kept = record.read_text()
    assert await asyncio.to_thread(end_survivors, record) == ["left"]
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    await room.supervisor.stop()
    record.write_text(kept)
    assert end_survivors(record) == []


def test_a_stranger_with_a_reused_number_is_left_alone(tmp_path: Path) -> None:
    record = tmp_path / "processes.json"
    record.write_text(
        f'{{"{os.getpid()}": {{"name": "web", "created_at": 1.0, "stop_signal": {int(signal.SIGTERM)}}}}}'
    )
    assert end_survivors(record) == []
