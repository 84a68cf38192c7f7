"""What the doctor found, as data; how it is printed, and the exit code that it means. Pure."""

import enum
from collections.abc import Iterable

import msgspec


class Level(enum.StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Finding(msgspec.Struct, frozen=True):
    """`about`: what was looked at. `sentence` says what is so, `advice` what to do, "" where there is nothing to do."""

    about: str
    level: Level
    sentence: str
    advice: str = ""

    def lines(self) -> list[str]:
        first = f"{self.level.value:<8} {self.about}: {self.sentence}"
        return [first, f"{'':<8} -> {self.advice}"] if self.advice else [first]


def ok(about: str, sentence: str) -> Finding:
    return Finding(about, Level.OK, sentence)


def warning(about: str, sentence: str, advice: str) -> Finding:
    return Finding(about, Level.WARNING, sentence, advice)


def error(about: str, sentence: str, advice: str) -> Finding:
    return Finding(about, Level.ERROR, sentence, advice)


def exit_code(findings: Iterable[Finding]) -> int:
    """0 when all is well, 1 with warnings, 2 with errors."""
    levels = {finding.level for finding in findings}
    return 2 if Level.ERROR in levels else 1 if Level.WARNING in levels else 0
