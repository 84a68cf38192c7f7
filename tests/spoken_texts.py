"""What a person reads or hears of a page: its texts, and the attributes that are shown or read out."""

import re
from collections.abc import Collection
from html.parser import HTMLParser

WORD = re.compile(r"[^\W\d_]{2,}")
_SPOKEN = ("alt", "aria-description", "aria-label", "data-label", "placeholder", "title")


class _SpokenTexts(HTMLParser):
    def __init__(self, code: Collection[str]) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._code, self._inside = code, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._code:
            self._inside.append(tag)
        self.found += [(self.getpos()[0], value) for name, value in attrs if name in _SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.found.append((self.getpos()[0], data))


def spoken_texts(html: str, code: Collection[str]) -> list[tuple[int, str]]:
    """(line, text) of all that is outside of elements named in `code`, and of spoken attributes."""
    parser = _SpokenTexts(code)
    parser.feed(html)
    parser.close()
    return parser.found
