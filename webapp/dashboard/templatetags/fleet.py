"""Boxes, queries and merges as small pictures: state badges, memory bars, accuracy against target."""

from collections.abc import Iterable, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop, ngettext

from webapp.audit.models import AuditEvent
from webapp.common.lists import Order
from webapp.common.templatetags.display import percent, size
from webapp.dashboard.charts import MEMORY_BANDS
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

_PAGES = {  # by what the audit log calls its subjects
    "box": "dashboard:box-detail",
    "camera": "dashboard:camera-detail",
    "query": "dashboard:query-detail",
    "model": "workloads:model-detail",
    "dataset": "workloads:dataset-detail",
    "mergerun": "merges:run-detail",
    "mergedgroup": "merges:group-detail",
    "rollout": "rollouts:rollout-detail",
    "site": "people:site-detail",
    "person": "people:person-detail",
}

_VERBS = {
    "create": gettext_noop("added"),
    "update": gettext_noop("changed"),
    "delete": gettext_noop("deleted"),
    "revoke": gettext_noop("revoked"),
    "join_code": gettext_noop("made a join code for"),
    "rotate": gettext_noop("asked for a new credential of"),
    "credential": gettext_noop("gave a new credential to"),
    "renew": gettext_noop("ended the old credential of"),
    "enrol": gettext_noop("let a machine join as"),
    "probe": gettext_noop("asked for a picture of"),
    "start": gettext_noop("started"),
    "cancel": gettext_noop("cancelled"),
    "end": gettext_noop("ended"),
    "approve": gettext_noop("approved"),
    "reject": gettext_noop("rejected"),
    "revert": gettext_noop("reverted"),
    "withdraw": gettext_noop("withdrew"),
    "publish": gettext_noop("published"),
    "membership": gettext_noop("changed the roles of"),
    "password": gettext_noop("changed the password of"),
    "invite": gettext_noop("invited"),
    "sign_in": gettext_noop("signed in as"),
    "refuse": gettext_noop("refused to sign in"),
    "connect": gettext_noop("connected an identity provider to"),
    "factor_add": gettext_noop("switched on a second factor of"),
    "factor_remove": gettext_noop("removed a second factor of"),
    "factor_renew": gettext_noop("renewed the recovery codes of"),
    "link": gettext_noop("made a link for a new password of"),
    "accept": gettext_noop("accepted the invitation of"),
    "activate": gettext_noop("switched on the account of"),
    "deactivate": gettext_noop("switched off the account of"),
    "superuser": gettext_noop("changed the rights of"),
    "find": gettext_noop("found"),
    "fail": gettext_noop("could not finish"),
    "drift": gettext_noop("changed how accuracy is watched in"),
    "open": gettext_noop("opened"),
    "close": gettext_noop("closed"),
    "acknowledge": gettext_noop("acknowledged"),
    "unacknowledge": gettext_noop("took back the acknowledgement of"),
    "test": gettext_noop("sent a test to"),
    "register": gettext_noop("uploaded"),
    "recognise": gettext_noop("recognised"),
    "describe": gettext_noop("described"),
    "pause": gettext_noop("paused"),
    "resume": gettext_noop("resumed"),
    "abort": gettext_noop("aborted"),
    "roll_back": gettext_noop("rolled back"),
    "finish": gettext_noop("finished"),
    "check": gettext_noop("checked"),
    "request": gettext_noop("requested"),
    "upload": gettext_noop("uploaded"),
    "ready": gettext_noop("completed"),
}
_NOUNS = {
    "box": gettext_noop("box"),
    "camera": gettext_noop("camera"),
    "model": gettext_noop("model"),
    "query": gettext_noop("query"),
    "site": gettext_noop("site"),
    "dataset": gettext_noop("data set"),
    "person": "",
    "merge_run": "",
    "rollout": "",
    "bundle": "",
    "api_token": gettext_noop("API token"),
    "drift": "",
    "receiver": gettext_noop("receiver of alerts"),
    "silence": gettext_noop("silence of"),
    "merged_group": gettext_noop("merged group"),
}


@register.inclusion_tag("components/state.html")
def state(words: str) -> dict[str, str]:
    """A state as a badge; its colour repeats what its words say. "offline since ..." counts as "offline"."""
    text = str(words)
    colour = next(
        (colour for word, colour in _COLOURS.items() if text == word or text.startswith(f"{word} ")), "secondary"
    )
    return {"words": in_words(text), "colour": colour}


@register.filter
def subject_page(event: AuditEvent) -> str:
    """Address of the page of what the event is about; "" where it has none, or has none any more."""
    page = _PAGES.get(event.subject_type)
    return reverse(page, args=[event.subject_id]) if page and not event.action.endswith(".delete") else ""


@register.filter
def happening(event: AuditEvent) -> str:
    """What an audit row says happened, up to the name of its subject: "added box"."""
    noun, _, verb = event.action.partition(".")
    verb, noun = _VERBS.get(verb, verb.replace("_", " ")), _NOUNS.get(noun, noun.replace("_", " "))
    return f"{gettext(verb)} {gettext(noun)}"


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
        return gettext("no merged group runs yet")
    words = ngettext(
        "of %(size)s of weights on %(boxes)s box", "of %(size)s of weights on %(boxes)s boxes", figures.boxes_saving
    )
    return words % {"size": size(figures.bytes_before), "boxes": f"{figures.boxes_saving:,}"}


@register.filter
def frames_words(figures: OverviewFigures) -> str:
    if figures.frames is None:
        return gettext("no whole minute was measured lately")
    words = gettext("%(processed)s of %(captured)s in the last whole minute")
    return words % {"processed": f"{figures.frames.processed:,}", "captured": f"{figures.frames.captured:,}"}


@register.inclusion_tag("components/memory_bar.html")
def memory_bar(sample: BoxSample | None) -> dict[str, object]:
    if sample is None or not sample.memory_budget:
        return {"bands": ()}
    used = [(band, getattr(sample, f"memory_{band}")) for band in MEMORY_BANDS if band != "free"]
    bands = [(band, f"{100 * size / sample.memory_budget:.2f}%") for band, size in used]
    return {"bands": bands, "sample": sample, "used": sum(size for _, size in used)}


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
