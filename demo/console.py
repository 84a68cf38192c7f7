"""What `make demo` writes to the terminal: sentences of its own, and its processes' lines with a coloured prefix."""

import os
import sys
from typing import TextIO

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
_WIDTH = 14


class Console:
    """Colours only on a terminal and not with NO_COLOR (no-color.org)."""

    def __init__(self, out: TextIO | None = None, has_process_lines: bool = True) -> None:
        self._out = out or sys.stdout
        self._has_process_lines = has_process_lines
        self._is_coloured = self._out.isatty() and "NO_COLOR" not in os.environ
        self._colour_of: dict[str, int] = {}

    def say(self, sentence: str) -> None:
        self._write(self._paint(sentence, 1))

    def line(self, name: str, text: str) -> None:
        """One line of the log of process `name`."""
        if self._has_process_lines:
            colour = self._colour_of.setdefault(name, _COLOURS[len(self._colour_of) % len(_COLOURS)])
            self._write(f"{self._paint(f'{name:<{_WIDTH}}|', colour)} {text}")

    def _paint(self, text: str, code: int) -> str:
        return f"\033[{code}m{text}\033[0m" if self._is_coloured else text

    def _write(self, text: str) -> None:
        try:
            print(text, file=self._out, flush=True)
        except BrokenPipeError:  # the reader of a pipe went away: go on without it
            self._out = open(os.devnull, "w")  # noqa: SIM115
