"""Pages of merge runs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webapp.common.errors import NotFound
from webapp.common.lists import shown_list
from webapp.common.pages import form_errors, message_errors
from webapp.fleets.selectors import box_get, box_list
from webapp.merges import services
from webapp.merges.forms import MergeRunForm, entered_before
from webapp.merges.history import QuerySummary, RunSummary, shown_events, summarise
from webapp.merges.models import MergeRun
from webapp.merges.selectors import (
    UNENDED,
    earlier_durations,
    merge_requirements,
    merge_run_get,
    merge_run_list,
    with_search_seconds,
)
from webapp.merges.strategies import strategy_title
from webapp.workloads.sharing import workload_sharing

MOST_OTHERS = 30  # runs offered to compare with


def runs(request: HttpRequest) -> HttpResponse:
    shown = shown_list(with_search_seconds(merge_run_list(request.user)), ("box__name", "box__site__name"), request.GET)
    return render(request, "merges/run_list.html", {"shown": shown})


def run_choose(request: HttpRequest) -> HttpResponse:
    """Which box's workload to merge; with one box there is nothing to choose."""
    shown = shown_list(box_list(request.user), ("name", "site__name"), request.GET)
    if shown.page.paginator.count == 1 and not shown.text:
        return redirect("merges:run-start", shown.page[0].id)
    return render(request, "merges/run_choose.html", {"shown": shown})


def run_start(request: HttpRequest, box_id: UUID) -> HttpResponse:
    box = box_get(request.user, box_id)
    requirements = merge_requirements(box)
    queries = [found.query for found in requirements if found.query]
    form = MergeRunForm(request.POST or None, queries=queries, initial=_as_before(request))
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            run = services.merge_run_start(actor=request.user, box=box, settings=form.settings(), now=timezone.now())
            return redirect("merges:run-detail", run.id)
    sharing = workload_sharing(queries)
    context = {
        "form": form,
        "box": box,
        "requirements": requirements,
        "sharing": sharing,
        "earlier": earlier_durations(),
    }
    return render(request, "merges/run_start.html", context)


def _as_before(request: HttpRequest) -> dict[str, Any]:
    """What was entered for the run in `?again=`; nothing without one."""
    if not request.GET.get("again"):
        return {}
    return entered_before(merge_run_get(request.user, _uuid(request.GET["again"])))


def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run; with `?compare=ID` another one beside it."""
    shown = merge_run_get(request.user, run_id)
    if request.GET.get("compare"):
        return _comparison(request, shown, merge_run_get(request.user, _uuid(request.GET["compare"])))
    events = list(shown.events.values_list("seq", "at", "payload"))
    run_queries = list(shown.run_queries.all())
    summary = summarise(shown, run_queries, [payload for _, _, payload in events])
    context = {
        "run": shown,
        "strategy": strategy_title(shown.strategy),
        "rows": list(zip(run_queries, summary.queries, strict=True)),
        "summary": summary,
        "history": _history(events),
        "heard_at": events[-1][1] if events else shown.started_at,
        "again": reverse("merges:run-start", args=[shown.box_id], query={"again": shown.id}),
        "groups": shown.groups.all(),
        "is_going": shown.state in UNENDED,
        "others": merge_run_list(request.user, shown.box).exclude(id=shown.id).exclude(bytes_before=0)[:MOST_OTHERS],
    }
    return render(request, "merges/run_detail.html", context)


def _comparison(request: HttpRequest, *shown: MergeRun) -> HttpResponse:
    sides = [_side(letter, found) for letter, found in zip("AB", shown, strict=True)]
    names = list(dict.fromkeys(query.name for side in sides for query in side["summary"].queries))
    context = {
        "sides": sides,
        "queries": [(name, [(_named(side["summary"], name), side["is_going"]) for side in sides]) for name in names],
        "histories": {"names": names, "runs": [side["drawn"] for side in sides]},
    }
    return render(request, "merges/run_compare.html", context)


def _side(letter: str, shown: MergeRun) -> dict[str, Any]:
    events = list(shown.events.values_list("seq", "at", "payload"))
    summary = summarise(shown, list(shown.run_queries.all()), [payload for _, _, payload in events])
    label = f"{letter}: {strategy_title(shown.strategy)}"
    drawn = {
        "label": label,
        "topic": f"merge-run:{shown.id}",
        "bytes_before": shown.bytes_before,
        "targets": [query.target for query in summary.queries],
        **_history(events),
    }
    return {"label": label, "summary": summary, "drawn": drawn, "is_going": shown.state in UNENDED}


def _history(events: list[tuple[int, datetime, dict[str, Any]]]) -> dict[str, Any]:
    """What a chart starts from; `last` is the number of the newest event, so that none is drawn twice."""
    return {"last": events[-1][0] if events else -1, "events": shown_events([payload for _, _, payload in events])}


def _named(summary: RunSummary, name: str) -> QuerySummary | None:
    return next((query for query in summary.queries if query.name == name), None)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(gettext("There is no such merge run.")) from error


@require_POST
def run_cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    shown = merge_run_get(request.user, run_id)
    with message_errors(request):
        services.merge_run_cancel(actor=request.user, run=shown, now=timezone.now())
        messages.success(request, gettext("Cancelling: what was accepted so far is kept."))
    return redirect("merges:run-detail", run_id)
