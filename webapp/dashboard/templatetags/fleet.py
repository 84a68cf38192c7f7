"""Boxes, queries and merges as small pictures: state badges, memory bars, accuracy against target."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from webapp.audit.models import AuditEvent
from webapp.common.lists import Order
from webapp.common.templatetags.display import percent, size
from webapp.dashboard.actions import SUBJECT_PAGES, action_words
from webapp.dashboard.charts import MEMORY_BANDS
from webapp.dashboard.glossary import TERMS
from webapp.dashboard.rows import QueryRow
from webapp.dashboard.selectors import OverviewFigures
from webapp.dashboard.stored_words import in_words
from webapp.telemetry.models import BoxSample
from webapp.workloads.models import Query
from webapp.workloads.zones import Point, zone_area

register = template.Library()
register.filter(in_words)

_COLOURS = {
    **dict.fromkeys(("connected", "running", "ready", "succeeded", "approved", "active", "finished"), "green"),
    **dict.fromkeys(
        (
            "stale",
            "degraded",
            "not at target",
            "waiting",
            "checking",
            "needs your word",
            "collecting",
            "cancelled",
            "paused",
            "found",
            "reverted",
        ),
        "orange",
    ),
    **dict.fromkeys(("offline", "failed", "rejected", "open"), "red"),
    **dict.fromkeys(("being recognised", "queued", "invited", "acknowledged", "updating", "merging"), "azure"),
}


@register.inclusion_tag("components/state.html")
def state(words: str, colour: str = "") -> dict[str, str]:
    """A state as a badge; its colour repeats what its words say. "offline since ..." counts as "offline".

    `colour`: where the same word means something else, such as what waits for its turn and not for a person.
    """
    text = str(words)
    colour = colour or next(
        (colour for word, colour in _COLOURS.items() if text == word or text.startswith(f"{word} ")), "secondary"
    )
    return {"words": in_words(text), "colour": colour}


@register.inclusion_tag("components/term.html")
def term(name: str, place: object = "") -> dict[str, object]:
    """A small button that explains a word of the glossary. `place`: where a page explains it more than once."""
    word, meaning = TERMS[name]
    return {"id": f"term-{name}{f'-{place}' if place else ''}", "word": word, "meaning": meaning}


@register.filter
def subject_page(event: AuditEvent) -> str:
    """Address of the page of what the event is about; "" where it has none, or has none any more."""
    page = SUBJECT_PAGES.get(event.subject_type)
    return reverse(page, args=[event.subject_id]) if page and not event.action.endswith(".delete") else ""


@register.filter
def happening(event: AuditEvent) -> str:
    """What an audit row says happened, up to the name of its subject: "added box"."""
    return action_words(event.action)


@register.filter
def of_words(whole: int) -> str:
    return gettext("of %(whole)s") % {"whole": f"{whole:,}"}


@register.filter
def percent_known(fraction: float | None) -> str:
    """Nothing rather than a dash beside a figure that stands for itself."""
    return "" if fraction is None else percent(fraction)


@register.filter
def saving_words(figures: OverviewFigures) -> str:
    """What the memory saved is of."""
    if not figures.bytes_before:
        return gettext("no merged group runs now")
    words = ngettext(
        "of %(size)s of weights on %(boxes)s box", "of %(size)s of weights on %(boxes)s boxes", figures.boxes_saving
    )
    return words % {"size": size(figures.bytes_before), "boxes": f"{figures.boxes_saving:,}"}


@register.filter
def frames_words(figures: OverviewFigures) -> str:
    if figures.frames is None:
        return gettext("no whole minute was measured lately")
    if not figures.frames.captured:
        return gettext("no frame came in the last whole minute")
    words = gettext("%(processed)s of %(captured)s in the last whole minute")
    return words % {"processed": f"{figures.frames.processed:,}", "captured": f"{figures.frames.captured:,}"}


@register.inclusion_tag("components/memory_bar.html")
def memory_bar(sample: BoxSample | None) -> dict[str, object]:
    if sample is None or not sample.memory_budget:
        return {"bands": ()}
    used = [(band, getattr(sample, f"memory_{band}")) for band in MEMORY_BANDS if band != "free"]
    bands = [(band, f"{100 * taken / sample.memory_budget:.2f}%") for band, taken in used]
    sizes = {f"memory_{band}": size(getattr(sample, f"memory_{band}")) for band in (*MEMORY_BANDS, "budget")}
    return {"bands": bands, "used": size(sum(taken for _, taken in used)), **sizes}


@register.inclusion_tag("components/query_rows.html")
def query_table(
    rows: Iterable[QueryRow],
    show_camera: bool = False,
    show_box: bool = False,
    order: Order | None = None,
    sparks: bool = False,
) -> dict[str, object]:
    """Queries with what they do right now, kept current by their boxes' statistics, and what they are sorted by.

    With `sparks` the page holds what history.query_hours gives, as JSON called "query-sparks".
    """
    shown = list(rows)
    topics = sorted({f"box:{row.box.box.id}" for row in shown})
    shows = {"show_camera": show_camera, "show_box": show_box, "order": order, "sparks": sparks}
    return {"rows": shown, "topics": " ".join(topics), **shows}


@register.simple_tag
def ranked(row: Any, order: Order) -> str:
    """What the list is sorted by, as people read it."""
    return str(order.said(row.ranked)) if order.said else ""


@register.inclusion_tag("components/zone_overlay.html")
def zone_overlay(query: Query) -> dict[str, object]:
    """The query's zone over a picture of its camera that is shown whole in its frame."""
    width, height = query.camera.width or 16, query.camera.height or 9
    points = " ".join(f"{x * width:.2f},{y * height:.2f}" for x, y in query.zone)
    return {"points": points, "width": width, "height": height, "query": query}


@register.filter
def zone_words(zone: Sequence[Point]) -> str:
    if not zone:
        return gettext("the whole picture")
    figures = {"corners": len(zone), "share": f"{100 * zone_area(zone):.0f}"}
    return gettext("%(corners)s corners, %(share)s %% of the picture") % figures


@register.inclusion_tag("components/accuracy.html")
def accuracy(value: float | None, target: float, lower: float | None = None, upper: float | None = None) -> dict:
    """A dot on a line with its interval and its target. The line starts at the lowest round tenth below all of them."""
    known = [figure for figure in (value, target, lower, upper) if figure is not None]
    start = max(0.0, int(10 * min(known) - 1e-9) / 10 - 0.05)
    end = max(1.0, *known)

    def place(figure: float | None) -> str | None:
        return None if figure is None else f"{100 * (figure - start) / (end - start):.2f}%"

    width = None if lower is None or upper is None else f"{100 * (upper - lower) / (end - start):.2f}%"
    bound = lower if lower is not None else value
    return {
        "value": value,
        "target": target,
        "lower": lower,
        "upper": upper,
        "value_at": place(value),
        "target_at": place(target),
        "lower_at": place(lower),
        "width": width,
        "is_below": bound is not None and bound < target,
    }
