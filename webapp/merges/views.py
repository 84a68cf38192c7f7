"""Pages of merge runs and merged groups."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from webapp.common.pages import form_errors, message_errors
from webapp.fleets.selectors import box_get, box_list
from webapp.merges import services
from webapp.merges.forms import DecisionForm, MergeRunForm
from webapp.merges.models import MergedGroupState, Verdict
from webapp.merges.outcome import outcome
from webapp.merges.pictures import after_widths, sharing_picture
from webapp.merges.selectors import (
    UNENDED,
    merge_requirements,
    merge_run_get,
    merge_run_list,
    merged_group_get,
    merged_group_list,
)
from webapp.telemetry.selectors import bundle_figures

DECIDED = {
    Verdict.APPROVE: "Approved. The box switches to the merged models as soon as it has them; nothing restarts.",
    Verdict.REJECT: "Rejected. Its queries keep their originals.",
    Verdict.REVERT: "Reverted. Its queries go back to their originals as soon as the box has them.",
}


def runs(request: HttpRequest) -> HttpResponse:
    return render(request, "merges/run_list.html", {"runs": merge_run_list(request.user)})


def run_choose(request: HttpRequest) -> HttpResponse:
    """Which box's workload to merge; with one box there is nothing to choose."""
    boxes = list(box_list(request.user))
    if len(boxes) == 1:
        return redirect("merges:run-start", boxes[0].id)
    return render(request, "merges/run_choose.html", {"boxes": boxes})


def run_start(request: HttpRequest, box_id: UUID) -> HttpResponse:
    box = box_get(request.user, box_id)
    requirements = merge_requirements(box)
    form = MergeRunForm(request.POST or None, queries=[found.query for found in requirements if found.query])
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            run = services.merge_run_start(actor=request.user, box=box, settings=form.settings(), now=timezone.now())
            return redirect("merges:run-detail", run.id)
    context = {"form": form, "box": box, "requirements": requirements}
    return render(request, "merges/run_start.html", context)


def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    shown = merge_run_get(request.user, run_id)
    context = {
        "run": shown,
        "run_queries": shown.run_queries.select_related("query", "model", "dataset"),
        "events": list(shown.events.values_list("payload", flat=True)),
        "groups": shown.groups.all(),
        "is_going": shown.state in UNENDED,
    }
    return render(request, "merges/run_detail.html", context)


@require_POST
def run_cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    shown = merge_run_get(request.user, run_id)
    with message_errors(request):
        services.merge_run_cancel(actor=request.user, run=shown, now=timezone.now())
        messages.success(request, "Cancelling: what was accepted so far is kept.")
    return redirect("merges:run-detail", run_id)


def groups(request: HttpRequest) -> HttpResponse:
    return render(request, "merges/group_list.html", {"groups": merged_group_list(request.user)})


def group(request: HttpRequest, group_id: UUID) -> HttpResponse:
    return render(request, "merges/group_detail.html", _group_context(request, group_id, DecisionForm()))


@require_POST
def group_decide(request: HttpRequest, group_id: UUID) -> HttpResponse:
    shown = merged_group_get(request.user, group_id)
    form = DecisionForm(request.POST)
    if form.is_valid():
        verdict = Verdict(form.cleaned_data["verdict"])
        with form_errors(form):
            services.merged_group_decide(
                actor=request.user,
                group=shown,
                verdict=verdict,
                reason=form.cleaned_data["reason"],
                now=timezone.now(),
            )
            messages.success(request, DECIDED[verdict])
            return redirect("merges:group-detail", group_id)
    return render(request, "merges/group_detail.html", _group_context(request, group_id, form))


def _group_context(request: HttpRequest, group_id: UUID, form: DecisionForm) -> dict[str, object]:
    shown = merged_group_get(request.user, group_id)
    members = list(shown.members.select_related("query__camera", "model").defer("tensors", "model__tensors"))
    decisions = list(shown.decisions.select_related("actor"))
    return {
        "group": shown,
        "members": members,
        "cameras": sorted({member.query.camera for member in members if member.query}, key=str),
        "decisions": decisions,
        "picture": sharing_picture(shown, members),
        "outcome": outcome(decisions, bundle_figures(shown.run.box)),
        "form": form,
        "states": MergedGroupState,
        **after_widths(shown),
    }
