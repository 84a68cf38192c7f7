"""What every command has in common: durations, errors as one sentence, and ending when asked to."""

import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated

import torch
import typer

from edge_runtime.protocol.errors import GemelError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}
CANCELLED = 130
UNUSABLE = 2

WorkloadPath = Annotated[Path, typer.Argument(metavar="WORKLOAD.yaml", show_default=False)]
Seed = Annotated[int, typer.Option(help="Equal seeds give equal results on a CPU with as many threads.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; all cores by default.")]
Device = Annotated[str, typer.Option(help="cpu or cuda.")]


class DurationError(GemelError):
    code = "duration"


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


@contextmanager
def errors() -> Iterator[None]:
    try:
        yield
    except GemelError as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(UNUSABLE) from error


def cancelled_by_signals() -> Callable[[], bool]:
    """Whether SIGTERM or SIGINT came; a second one ends the process at once."""
    received: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, note)
    return lambda: bool(received)
