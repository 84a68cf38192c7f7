"""A language that nobody speaks: every text that is marked for translation, in brackets."""

import ast
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.translation.template import templatize

from tests.spoken_texts import WORD, spoken_texts

ROOT = Path(__file__).resolve().parents[2]
LANGUAGE = "xx"
_ONE = {"gettext", "gettext_lazy", "gettext_noop"}
_MANY = {"ngettext", "ngettext_lazy"}
_LITERAL = r"""u?(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_CALLS = re.compile(rf"\b(?:_|n?gettext)\(({_LITERAL}(?:\s*,\s*{_LITERAL})?)")

Marked = tuple[str, ...]  # a text, or its singular and plural


def marked_texts() -> set[Marked]:
    """What `make messages` collects for pages, without GNU gettext."""
    found = {texts for path in (ROOT / "templates").rglob("*.html") for texts in _of_template(path.read_text())}
    return found | {texts for path in (ROOT / "webapp").rglob("*.py") for texts in _of_module(path.read_text())}


def marked_script_texts() -> set[Marked]:
    """The same for what their scripts say."""
    found = (_CALLS.finditer(path.read_text()) for path in (ROOT / "webapp" / "static" / "js").rglob("*.js"))
    return {ast.literal_eval(f"({match[1]},)") for matches in found for match in matches}


def _of_template(source: str) -> Iterator[Marked]:
    for match in _CALLS.finditer(templatize(source)):
        yield ast.literal_eval(f"({match[1]},)")


def _of_module(source: str) -> Iterator[Marked]:
    if "django.utils.translation" not in source:
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _ONE | _MANY:
            texts = _texts(node)
            if texts or not isinstance(node.args[0], ast.Name | ast.Attribute | ast.Call):
                assert len(texts) == (2 if node.func.id in _MANY else 1), ast.unparse(node)
                yield texts


def _texts(call: ast.Call) -> Marked:
    return tuple(arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str))


def write_catalogue(folder: Path, texts: set[Marked], domain: str = "django") -> None:
    """A .mo file (GNU gettext manual, 10.3) in which every text stands in brackets."""
    entries = {b"": b"Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"}
    for marked in texts:
        entries["\0".join(marked).encode()] = "\0".join(f"⟦{text}⟧" for text in marked).encode()
    keys = sorted(entries)
    start = 7 * 4 + 16 * len(keys)
    content, tables = b"", [[], []]
    for table, strings in zip(tables, (keys, [entries[key] for key in keys]), strict=True):
        for string in strings:
            table += [len(string), start + len(content)]
            content += string + b"\0"
    header = [0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, start]
    target = folder / LANGUAGE / "LC_MESSAGES" / f"{domain}.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(struct.pack(f"<{7 + 4 * len(keys)}I", *header, *tables[0], *tables[1]) + content)


def left_in_english(html: str, data: re.Pattern[str]) -> list[str]:
    """Texts of a page that stand in no brackets and are not `data`."""
    texts = spoken_texts(_without_brackets(html), ("code", "kbd", "script", "style", "time"))
    return [" ".join(text.split()) for _, text in texts if WORD.search(data.sub(" ", text))]


def _without_brackets(html: str) -> str:
    kept: list[Any] = []
    depth = 0
    for piece in re.split("([⟦⟧])", html):
        if piece == "⟦":
            depth += 1
        elif piece == "⟧":
            depth -= 1
        elif not depth:
            kept.append(piece)
    assert depth == 0
    return " ".join(kept)
