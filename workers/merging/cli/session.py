"""What every command has in common: durations, errors as one sentence, and ending when asked to."""

import os
import re
import select
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, TextIO

import torch
import typer

from edge_runtime.protocol.errors import GemelError
from workers.merging.checkpoint import CheckpointUnusable

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
CANCELLED = 130
UNUSABLE = 2
UNRESUMABLE = 3

WorkloadPath = Annotated[Path, typer.Argument(metavar="WORKLOAD.yaml", show_default=False)]
Seed = Annotated[int, typer.Option(help="Equal seeds give equal results on a CPU with as many threads.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores by default.")]
Device = Annotated[str, typer.Option(help="cpu, cuda, or auto: a GPU where there is one.")]
AUTO = "auto"


class DurationError(GemelError):
    code = "duration"


class DeviceError(GemelError):
    code = "device"


class OutputError(GemelError):
    code = "output"


def parse_duration(text: str) -> float:
    """Seconds in "90", "90s", "5m" or "1.5h"."""
    match = _DURATION.fullmatch(text.strip())
    if match is None or float(match[1]) == 0:
        raise DurationError(f'"{text}" is no duration. Write a number and s, m or h, such as 5m.')
    return float(match[1]) * _SECONDS[match[2]]


def optional_duration(text: str | None) -> float | None:
    return parse_duration(text) if text is not None else None


def use_threads(threads: int | None) -> None:
    if threads is not None:
        torch.set_num_threads(threads)


def usable_device(name: str) -> str:
    """Raises DeviceError where torch knows no such device or this machine has none."""
    if name == AUTO:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        raise DeviceError(f'There is no device "{name}" here; choose cpu, or auto to take a GPU if any.') from error
    return name


def require_writable(path: Path) -> None:
    """Raises OutputError: to be asked before the work whose result goes there."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_writable = os.access(path if path.exists() else path.parent, os.W_OK) and not path.is_dir()
    except OSError:
        is_writable = False
    if not is_writable:
        raise OutputError(f"{path} cannot be written; name a file in a folder that you may write to.")


@contextmanager
def errors() -> Iterator[None]:
    try:
        yield
    except GemelError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(UNRESUMABLE if isinstance(error, CheckpointUnusable) else UNUSABLE) from error


def cancelled_by_signals() -> Callable[[], bool]:
    """Whether SIGTERM or SIGINT came; a second one ends the process at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return lambda: bool(received)


def reader_is_gone(stream: TextIO) -> Callable[[], bool]:
    """Whether nobody reads the pipe `stream` any more. Of what is no pipe it says that somebody does.

    Whoever started the run was killed then; another will go on from its checkpoint and must find nobody at work on it.
    """
    try:
        poller = select.poll()
        poller.register(stream.fileno(), 0)  # errors are told whatever is asked for
    except (OSError, AttributeError):
        return lambda: False
    return lambda: bool(poller.poll(0))
