"""What is claimed of a result, held against it; what is missed is said as plainly."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_WORDS = {True: "held", False: "MISSED", None: "not told"}


@dataclass(frozen=True)
class Check:
    """`is_held` is None where the result cannot tell, because a part of it is missing or failed."""

    claim: str
    is_held: bool | None
    found: str


def check_lines(checks: Iterable[Check]) -> Iterator[str]:
    for check in checks:
        yield f"{_WORDS[check.is_held]:8} {check.claim}: {check.found}"
