"""What a merge run tells while it runs: one JSON object per line, in events.jsonl and to whoever listens live.

The form is described in docs/merging.md and is stable: fields are added, never renamed.
"""

import enum
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TextIO

import msgspec


class EventType(enum.StrEnum):
    STARTED = "started"
    RESUMED = "resumed"
    PROGRESS = "progress"
    EVALUATED = "evaluated"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Basis(enum.StrEnum):
    """Which of the two a figure is: against labels, relative to the original, or against the original's answers."""

    RELATIVE_ACCURACY = "relative accuracy"
    AGREEMENT = "agreement"


class QueryFigures(msgspec.Struct, frozen=True):
    """One query's merged model on one split. All accuracies are fractions.

    `original_accuracy` and `merged_accuracy` are against labels, or None and the agreement where there are none.
    `relative_accuracy` is what the target applies to, on the given basis; the bounds are of it, each 95 % one-sided.
    """

    name: str
    original_accuracy: float | None
    merged_accuracy: float
    relative_accuracy: float
    lower_bound: float
    upper_bound: float
    basis: Basis
    target: float
    target_met: bool
    frames: int = 0


class Event(msgspec.Struct, frozen=True):
    """`saved_bytes`, `bytes_after`: of the newest accepted configuration (of the trial on "evaluated").

    `seconds_left_low`/`high`: the rest of this training if targets hold soon / at its planned end; None where unknown.
    `queries` are validation figures of the newest evaluation. `trying` is one sentence for a person.
    """

    type: EventType
    seconds: float
    samples_seen: int
    bytes_before: int
    bytes_after: int
    saved_bytes: int
    step: int = 0
    steps_planned: int = 0
    seconds_left_low: float | None = None
    seconds_left_high: float | None = None
    trying: str = ""
    queries: tuple[QueryFigures, ...] = ()


Listener = Callable[[Event], None]


def encode_event(event: Event) -> bytes:
    return msgspec.json.encode(event)


def last_seconds(path: Path) -> float:
    """When the newest whole line of events.jsonl was written, in seconds since the start; 0 where there is none."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines[-2:] if line.endswith(b"\n")]
    return decode_event(whole[-1]).seconds if whole else 0.0


def decode_event(line: str | bytes) -> Event:
    return msgspec.json.decode(line, type=Event)


class EventFile:
    """A listener that writes a file; every line is flushed, so a reader sees it at once."""

    def __init__(self, path: Path, *, appends: bool = False) -> None:
        """Opens at the first event. `appends`: goes on behind the last whole line; half a one, from a kill, is cut."""
        self._path, self._appends = path, appends
        self._file: BinaryIO | None = None

    def _open(self) -> BinaryIO:
        if self._appends and self._path.exists():
            with self._path.open("rb+") as file:
                file.truncate(file.read().rfind(b"\n") + 1)
        return self._path.open("ab" if self._appends else "wb", buffering=0)

    def __call__(self, event: Event) -> None:
        self._file = self._file or self._open()
        self._file.write(encode_event(event) + b"\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def stream_listener(stream: TextIO) -> Listener:
    def write(event: Event) -> None:
        stream.write(encode_event(event).decode() + "\n")
        stream.flush()

    return write
