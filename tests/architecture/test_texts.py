"""Texts of the pages are marked for translation (docs/translating.md): none lies bare in a template."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template.base import Lexer, Token, TokenType

from tests.spoken_texts import WORD, spoken_texts

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
STYLES = ROOT / "webapp" / "static" / "css"
# What is the same in every language: names, units, what is typed as it stands.
ALLOWED = {"CSV", "Gemel Fleet", "JSON", "ms", "px"}
CODE = ("code", "kbd", "script", "style", "svg")

_ARGUMENT = re.compile(r"""(?:(\w+)=)?"([^"]*)"$""")
_FALLBACK = re.compile(r"""\|(?:default|default_if_none|yesno|join):"([^"]*)\"""")
_CONTENT = re.compile(r"""\bcontent:\s*(?:"([^"]*)"|'([^']*)')""")
_ATTRIBUTE = re.compile(r'[a-z-]+="[^"]*"')  # of an element that another template opens
_NAMES = ("anchor", "kind", "name")
_WITH_WORDS = ("field", "include", "nav_item")


def bare_texts(source: str) -> Iterator[tuple[int, str]]:
    """(line, text) of what a person would read and a translator would not find."""
    html, inside = [], ""
    for token in Lexer(source).tokenize():
        word = token.contents.split(maxsplit=1)[0] if token.token_type == TokenType.BLOCK else ""
        if inside:
            inside = "" if word == inside else inside
        elif word in ("blocktranslate", "comment"):
            inside = f"end{word}"
        elif token.token_type == TokenType.TEXT:
            html.append(token.contents)
            continue
        else:
            yield from ((token.lineno, text) for text in _in_tag(token, word) if _is_said(text))
        written = token.contents if token.token_type == TokenType.TEXT else ""
        html.append(" " + "\n" * written.count("\n"))
    for line, text in spoken_texts("".join(html), CODE):
        if _is_said(text):
            yield line, " ".join(text.split())


def _in_tag(token: Token, word: str) -> Iterator[str]:
    if word in _WITH_WORDS:
        given = [match.groups() for bit in token.split_contents() if (match := _ARGUMENT.match(bit))]
        # Names of files, views and icons are single words without a capital; arguments with a name are texts.
        names = (None, *_NAMES)
        yield from (text for name, text in given if name not in names or " " in text or text[:1].isupper())
    if "|pluralize" in token.contents:
        yield f"pluralize, which knows English only, in {token.contents}: use count and plural"
    if word != "extends":
        yield from _FALLBACK.findall(token.contents)


def _is_said(text: str) -> bool:
    return bool(WORD.search(_ATTRIBUTE.sub("", text))) and " ".join(text.split()) not in ALLOWED


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>\n{{ box }} is silent.</p>", [(1, "is silent.")]),
        ('<p>{% translate "Silent" %} · {{ box }}: 5 %</p>', []),
        ("{% blocktranslate %}Silent\n{% endblocktranslate %}\n<b>Stale</b>", [(3, "Stale")]),
        ('<img alt="Last picture">', [(1, "Last picture")]),
        ('<a class="btn" title="{% translate "Stop" %}" href="{% url "a:b" %}"></a>', []),
        ('{% include "a/b.html" with title="Nothing yet" name="cube" %}', [(1, "Nothing yet")]),
        ('{% include "a/b.html" with title=_("Nothing yet") %}', []),
        ('{{ by|default:"system" }}', [(1, "system")]),
        ("<code>gemel-edge run</code>{# Not read #}", []),
        ("{{ 2|pluralize }}", [(1, "pluralize, which knows English only, in 2|pluralize: use count and plural")]),
    ],
)
def test_finds_what_is_not_marked(source: str, found: list[tuple[int, str]]) -> None:
    assert [(line, text) for line, text in bare_texts(source)] == found


def test_every_text_of_a_template_can_be_translated() -> None:
    files = sorted(TEMPLATES.rglob("*.html"))
    assert len(files) > 100
    bare = [f"{path.relative_to(ROOT)}:{line}: {text}" for path in files for line, text in bare_texts(path.read_text())]
    assert not bare, "\n".join(["Mark these for translation, see docs/translating.md:", *bare])


def test_style_sheets_bring_no_words_of_their_own() -> None:
    """A page says them in an attribute, which content: attr(...) shows."""
    files = sorted(STYLES.rglob("*.css"))
    assert files
    said = [(path.name, *found) for path in files for found in _CONTENT.findall(path.read_text())]
    assert not [words for words in said if WORD.search(" ".join(words[1:]))]
