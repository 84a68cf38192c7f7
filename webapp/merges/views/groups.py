"""Pages of merged groups and the decisions about them."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from webapp.common.pages import form_errors
from webapp.merges import services
from webapp.merges.forms import DecisionForm
from webapp.merges.models import MergedGroupState, Verdict
from webapp.merges.outcome import outcome
from webapp.merges.pictures import accuracy_picture, parts_after, sharing_picture
from webapp.merges.selectors import merged_group_get, merged_group_list
from webapp.merges.strategies import strategy_title
from webapp.telemetry.selectors import bundle_figures

DECIDED = {
    Verdict.APPROVE: "Approved. The box switches to the merged models as soon as it has them; nothing restarts.",
    Verdict.REJECT: "Rejected. Its queries keep their originals.",
    Verdict.REVERT: "Reverted. Its queries go back to their originals as soon as the box has them.",
}


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
        "below": [member for member in members if not member.is_at_target],
        "lowered": [member for member in members if member.accuracy_target < member.own_target],
        "strategy": strategy_title(shown.run.strategy),
        "parts": parts_after(shown),
        "picture": sharing_picture(shown, members),
        "accuracy": accuracy_picture(members),
        "outcome": outcome(decisions, bundle_figures(shown.run.box)),
        "form": form,
        "states": MergedGroupState,
    }
