"""Tabler's icons (of the installed npm package) and our mark as inline SVG, kept in memory.

Inline, because a browser sets up a document of its own for every SVG that it loads as a picture.
"""

import re
from functools import cache
from pathlib import Path

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_FOLDER = "@tabler/icons/icons/outline"
_MARK = "webapp/static/img/mark.svg"
_SHAPES = re.compile(r"<svg.*?>(.*)</svg>", re.DOTALL)
_FRAME = '<path stroke="none" d="M0 0h24v24H0z" fill="none" />'  # shows nothing
_LINE = re.compile(r'<path d="(M[^"]*)" ?/>')


@cache  # to put the path together for each of 150 icons took longer than to write them
def _shapes(name: str) -> str:
    return _shapes_in(settings.NODE_MODULES / _FOLDER / f"{name}.svg")


def _shapes_in(path: Path) -> str:
    shapes = " ".join(_SHAPES.search(path.read_text()).group(1).split())
    return joined(shapes.replace(_FRAME, "").strip())


def joined(shapes: str) -> str:
    """Lines that are drawn alike as one: of a small page's 280 elements, 70 were single lines of its icons."""
    if _LINE.sub("", shapes).strip():
        return shapes
    return f'<path d="{" ".join(_LINE.findall(shapes))}"/>'


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """`name` is a file of Tabler's outline icons, written in a template by us: never text from a person."""
    return mark_safe(
        f'<svg class="icon {css}" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{_shapes(name)}</svg>'
    )


@cache
def _mark_shapes() -> str:
    return _shapes_in(settings.BASE_DIR / _MARK)


@register.simple_tag
def mark(size: int, css: str = "") -> SafeString:
    shapes = _mark_shapes()
    return mark_safe(
        f'<svg class="{css}" viewBox="0 0 32 32" width="{size}" height="{size}" aria-hidden="true">{shapes}</svg>'
    )
