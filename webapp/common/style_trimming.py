"""A style sheet without the rules that no page can use: pure text in, pure text out.

A rule stays where every class of one of its selectors is a word somewhere in the sources, or begins as one that a
source completes itself ("status-{{ colour }}"). Elements, attributes and what stands in `:not(...)` and the like never
make a rule go: too much is kept rather than too little.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z][\w-]*")
_COMPLETED = re.compile(r"([A-Za-z][\w-]*-)(?=\$?\{)")
_CLASS = re.compile(r"\.([A-Za-z_][\w-]*)")
_ARGUMENT = re.compile(r"\([^()]*\)")
_NESTED = ("@media", "@supports", "@layer", "@container")


@dataclass(frozen=True)
class UsedClasses:
    words: frozenset[str]
    beginnings: tuple[str, ...]

    @classmethod
    def of(cls, sources: Iterable[str]) -> "UsedClasses":
        words, beginnings = set[str](), set[str]()
        for source in sources:
            words.update(_WORD.findall(source))
            beginnings.update(_COMPLETED.findall(source))
        return cls(frozenset(words), tuple(beginnings))

    def may_match(self, selector: str) -> bool:
        if "\\" in selector:
            return True
        while (shorter := _ARGUMENT.sub("", selector)) != selector:
            selector = shorter
        return all(name in self.words or name.startswith(self.beginnings) for name in _CLASS.findall(selector))


def trimmed(css: str, used: UsedClasses) -> str:
    return "".join(_kept(_COMMENT.sub("", css), used))


def _kept(css: str, used: UsedClasses) -> Iterator[str]:
    at = 0
    while (opening := css.find("{", at)) >= 0:
        statement = css.find(";", at, opening)
        if statement >= 0 and css[at:statement].lstrip().startswith("@"):  # @charset, @import
            yield css[at : statement + 1]
            at = statement + 1
            continue
        head, end = css[at:opening].strip(), _end(css, opening)
        body, at = css[opening + 1 : end], end + 1
        if head.startswith(_NESTED):
            body = "".join(_kept(body, used))
        elif not head.startswith("@"):
            head = ",".join(selector for selector in _selectors(head) if used.may_match(selector))
        if head and body.strip():
            yield f"{head}{{{body}}}"


def _end(css: str, opening: int) -> int:
    """Where the block that opens there closes. Braces in strings are no braces."""
    depth, at = 0, opening
    while True:
        character = css[at]
        if character in "\"'":
            at = css.index(character, at + 1)
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return at
        at += 1


def _selectors(head: str) -> Iterator[str]:
    depth, start = 0, 0
    for at, character in enumerate(head):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            yield head[start:at]
            start = at + 1
    yield head[start:]
