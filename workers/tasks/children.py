"""Heavy or risky work in a child process of its own group, so that it can be limited, niced and killed as a whole."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from django.conf import settings

from edge_runtime.protocol.errors import GemelError

TERMINATE_S = 10.0
LOG_TAIL = 2000
_POLL_S = 0.5
_ENVIRONMENT = {
    "OMP_WAIT_POLICY": "passive",
    "PYTHONUNBUFFERED": "1",
    # A picture of few bytes can claim to be of any size; OpenCV's own limit would let it take 3 GB.
    "OPENCV_IO_MAX_IMAGE_PIXELS": str(64 * 2**20),
}


class ChildStopped(GemelError):
    """The child was stopped before it ended, because `should_go_on` said so."""

    code = "child_stopped"


class ChildTimeout(GemelError):
    code = "child_timeout"


@dataclass(frozen=True)
class Ended:
    """`code`: the exit status, negative for a signal. `log`: the end of what it wrote to standard error."""

    code: int
    log: str


def run_child(
    arguments: Sequence[str],
    *,
    log: Path,
    timeout_s: float,
    should_go_on: Callable[[], bool],
    on_line: Callable[[str], None] = lambda line: None,
    niceness: int = 0,
) -> Ended:
    """Runs `python <arguments>` and calls `on_line` with each line of its output.

    Raises ChildStopped or ChildTimeout, in both cases after the child is gone, and kills it on any other exception.
    """
    with log.open("wb") as log_file:
        child = subprocess.Popen(
            ["nice", "-n", str(niceness), sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env={**os.environ, **_ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log_file,
            start_new_session=True,
            text=True,
        )
    # Linux weighs whole sessions first, so inside a session of its own niceness alone would yield to nobody.
    with contextlib.suppress(OSError):
        Path(f"/proc/{child.pid}/autogroup").write_text(str(niceness))
    try:
        for line in _lines(child, timeout_s, should_go_on):
            on_line(line)
        code = child.wait(TERMINATE_S)
    finally:
        _stop(child)
    return Ended(code, log.read_text(errors="replace")[-LOG_TAIL:].strip())


def _lines(child: "subprocess.Popen[str]", timeout_s: float, should_go_on: Callable[[], bool]) -> Iterator[str]:
    """Lines as they come, until the child closes its output. A thread reads, so that a silent child can be watched."""
    assert child.stdout is not None
    lines: queue.Queue[str | None] = queue.Queue(maxsize=1000)
    threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
    deadline = time.monotonic() + timeout_s
    while True:
        if not should_go_on():
            raise ChildStopped("The work was stopped.")
        if time.monotonic() > deadline:
            raise ChildTimeout(f"The work did not end within {timeout_s:.0f} seconds.")
        with contextlib.suppress(queue.Empty):
            line = lines.get(timeout=_POLL_S)
            if line is None:
                return
            yield line


def _read(stream: IO[str], lines: "queue.Queue[str | None]") -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _stop(child: "subprocess.Popen[str]") -> None:
    """Asks the child's whole group to end, then kills it. Does nothing when it has ended."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(TERMINATE_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()
