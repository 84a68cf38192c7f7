"""What a fault is, and what came of it. Each file of faults registers its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec


class Violated(Exception):
    """Something happened that must not; the message says what."""


class Outcome(msgspec.Struct, frozen=True):
    """`recovered_s`: from when the cause was gone (for a kill: from the kill) until all was well again.

    `samples_lost`: what the fault itself knows to be lost, beside the gaps that the matrix counts.
    """

    recovered_s: float
    note: str
    samples_lost: int = 0


class Row(msgspec.Struct, frozen=True):
    """`bound`: what may be lost. `lost`: what was."""

    name: str
    fault: str
    bound: str
    lost: str
    recovered_s: float | None
    held: bool
    note: str

    def line(self) -> str:
        took = "-" if self.recovered_s is None else f"{self.recovered_s:.1f} s"
        word = "held  " if self.held else "MISSED"
        return f"{word} {self.fault:58.58} {self.lost:24.24} {took:>8}  {self.note}"


@dataclass(frozen=True)
class Fault:
    """`samples_allowed`: how many statistics may be lost, 0 for none. `bound` says it, and what else, in words."""

    name: str
    title: str
    bound: str
    samples_allowed: int
    inflict: Callable[[Any], Outcome]


FAULTS: dict[str, Fault] = {}


def fault(title: str, *, bound: str = "nothing", samples_allowed: int = 0) -> Callable[[Any], Any]:
    """Registers a function of the product (product.Product) under its own name."""

    def register(inflict: Callable[[Any], Outcome]) -> Callable[[Any], Outcome]:
        name = inflict.__name__.replace("_", "-")
        FAULTS[name] = Fault(name, title, bound, samples_allowed, inflict)
        return inflict

    return register


def judged(fault: Fault, outcome: Outcome, gaps: int) -> Row:
    """`gaps`: statistics that the box numbered and the server does not have."""
    lost = gaps + outcome.samples_lost
    words = "nothing" if not lost else f"{lost} samples of a second"
    return Row(
        fault.name, fault.title, fault.bound, words, outcome.recovered_s, lost <= fault.samples_allowed, outcome.note
    )


def missed(fault: Fault, reason: str) -> Row:
    return Row(fault.name, fault.title, fault.bound, "not told", None, False, reason)
