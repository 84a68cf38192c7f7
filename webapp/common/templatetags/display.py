"""Numbers and times as people read them: every one with its unit, every time with the exact one on hover."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from edge_runtime.protocol.sizes import format_size

register = template.Library()

NOTHING = "–"
_UNKNOWN = (None, "")  # Django resolves what a template names but is not there to ""
_STEPS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_FINER_S = (3600, 60, 1, 0)


@register.filter
def size(size_bytes: int | None) -> str:
    return NOTHING if size_bytes in _UNKNOWN else format_size(int(size_bytes))


@register.filter
def percent(fraction: float | None) -> str:
    return NOTHING if fraction in _UNKNOWN else f"{100 * fraction:.1f} %"


@register.filter
def number(value: float | None, decimals: int = 1) -> str:
    return NOTHING if value in _UNKNOWN else f"{value:.{decimals}f}"


@register.filter
def grouped(count: int) -> str:
    """A count with its thousands apart."""
    return f"{count:,}"


@register.filter
def listed(value: object) -> object:
    """Of what was stored as JSON: a list of words as "a, b", nothing as a dash; anything else stays."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value) or NOTHING
    return NOTHING if value in _UNKNOWN else value


@register.filter
def share_of(part: float, whole: float) -> float | None:
    """`part` / `whole`, or None where there is no whole."""
    return part / whole if whole else None


@register.filter
def saved_fraction(before: float, after: float) -> float | None:
    return (before - after) / before if before else None


@register.filter
def minus(a: float, b: float) -> float:
    return a - b


@register.filter
def times(a: float, b: float) -> float:
    return a * b


@register.filter
def seconds(duration_s: float | timedelta | None) -> str:
    """A length of time in its two largest units, e.g. "2 min 5 s"."""
    if duration_s in _UNKNOWN:
        return NOTHING
    rest = round(duration_s.total_seconds() if isinstance(duration_s, timedelta) else duration_s)
    parts = []
    for step_s, unit in _STEPS:
        if rest >= step_s and len(parts) < 2:
            parts.append(f"{rest // step_s} {unit}")
            rest %= step_s
    return " ".join(parts) or "0 s"


@register.filter
def coarse(duration: timedelta) -> str:
    """A length of time to the nearest whole unit, e.g. "6 min"."""
    return _coarse(duration.total_seconds())


@register.filter
def ago(at: datetime | None) -> SafeString | str:
    """Time since `at`, kept current by the page's script, with the exact time on hover."""
    if at is None:
        return gettext("never")
    passed_s = (timezone.now() - at).total_seconds()
    words = gettext("just now") if abs(passed_s) < 5 else _past(passed_s) if passed_s > 0 else _ahead(passed_s)
    exact = timezone.localtime(at)
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', exact.isoformat(), exact_time(at), words)


@register.filter
def moment(at: datetime) -> SafeString:
    """An exact time, which the page's script writes in the time zone of who reads it. Django's filter for dates took
    a quarter of the time of a page with 24 events."""
    words = exact_time(at)
    return format_html(
        '<time datetime="{}" data-local title="{}">{}</time>', timezone.localtime(at).isoformat(), words, words
    )


@register.filter
def exact_time(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S %Z}"


@register.filter
def alternatives(names: Sequence[str]) -> SafeString:
    """ "a, b or c", each in bold."""
    *others, last = [format_html("<strong>{}</strong>", name) for name in names]
    if not others:
        return last
    return format_html(
        gettext("{others} or {last}"), others=format_html_join(", ", "{}", ((name,) for name in others)), last=last
    )


def _coarse(passed_s: float) -> str:
    """To the nearest whole unit, so that two hours from now are not one. Changes at the half of the next finer unit."""
    for (step_s, unit), finer_s in zip(_STEPS, _FINER_S, strict=True):
        if passed_s >= step_s - finer_s / 2:
            return f"{int(passed_s / step_s + 0.5)} {unit}"
    return "0 s"


def _past(passed_s: float) -> str:
    return gettext("%(time)s ago") % {"time": _coarse(passed_s)}


def _ahead(passed_s: float) -> str:
    return gettext("in %(time)s") % {"time": _coarse(-passed_s)}
