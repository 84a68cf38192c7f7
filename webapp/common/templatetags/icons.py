"""Tabler's icons as inline SVG, read from the installed npm package and kept in memory."""

import re
from functools import cache

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

_FOLDER = "@tabler/icons/icons/outline"
_SHAPES = re.compile(r"<svg.*?>(.*)</svg>", re.DOTALL)


@cache
def _shapes(name: str) -> str:
    content = (settings.NODE_MODULES / _FOLDER / f"{name}.svg").read_text()
    return " ".join(_SHAPES.search(content).group(1).split())


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """`name` is a file of Tabler's outline icons, written in a template by us: never text from a person."""
    return mark_safe(
        f'<svg class="icon {css}" viewBox="0 0 24 24" width="24" height="24" fill="none" stroke="currentColor" '
        f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{_shapes(name)}</svg>'
    )
