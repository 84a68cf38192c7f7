"""Pages of merged groups and the decisions about them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from webapp.accounts.models import Person
from webapp.common.errors import NotFound
from webapp.common.lists import found_by, shown_list
from webapp.common.pages import form_errors
from webapp.fleets.models import Role
from webapp.fleets.selectors import has_role, sites_with_role
from webapp.merges import services
from webapp.merges.differences import differences_by_member
from webapp.merges.forms import DecisionForm
from webapp.merges.models import MergedGroup, MergedGroupQuery, MergedGroupState, Verdict
from webapp.merges.outcome import outcome
from webapp.merges.pictures import accuracy_picture, parts_after, shared_rows, sharing_picture
from webapp.merges.policies import approval_hindrance
from webapp.merges.selectors import (
    boxes_placed,
    disagreement_get,
    disagreement_list,
    groups_waiting,
    merged_group_get,
    merged_group_list,
    picture_of,
    with_members,
)
from webapp.merges.strategies import strategy_title
from webapp.telemetry.selectors import bundle_figures

PRIVATE = {"Cache-Control": "private, max-age=600"}
FOLLOWS = {
    Verdict.APPROVE: gettext_lazy("The box switches to the merged models as soon as it has them; nothing restarts."),
    Verdict.REJECT: gettext_lazy("The queries keep their originals."),
    Verdict.REVERT: gettext_lazy(
        "The queries go back to their originals as soon as the box has them. The group can be approved again."
    ),
}


def groups(request: HttpRequest) -> HttpResponse:
    """Whatever waits is on every page, so that all of it can be decided at once; the decided ones come page by page."""
    fields = ("name", "run__box__name", "run__box__site__name")
    decided = merged_group_list(request.user).exclude(state=MergedGroupState.WAITING)
    shown = shown_list(with_members(decided), fields, request.GET)
    waiting = _waiting(request.user, with_members(found_by(groups_waiting(request.user), fields, shown.text)))
    context = {"waiting": waiting, "may_decide": any(one.may_decide for one in waiting), "shown": shown}
    return render(request, "merges/group_list.html", context)


@require_POST
def groups_decide(request: HttpRequest) -> HttpResponse:
    """One verdict and one reason for all groups that were ticked; each that is refused says why."""
    form = DecisionForm(request.POST)
    chosen = [merged_group_get(request.user, group_id) for group_id in _ticked(request)]
    if not chosen or not form.is_valid():
        problems = [error for errors in form.errors.values() for error in errors]
        messages.error(request, " ".join(problems) or gettext("Tick the merged groups that you decide about."))
        return redirect("merges:group-list")
    decided = services.merged_groups_decide(actor=request.user, groups=chosen, now=timezone.now(), **form.cleaned_data)
    _tell(request, Verdict(form.cleaned_data["verdict"]), decided)
    return redirect("merges:group-list")


def _ticked(request: HttpRequest) -> list[UUID]:
    """Each once. Raises NotFound for what is no id."""
    try:
        return list(dict.fromkeys(UUID(text) for text in request.POST.getlist("group")))
    except ValueError as error:
        raise NotFound(gettext("There is no such merged group.")) from error


def _tell(request: HttpRequest, verdict: Verdict, decided: Sequence[services.Decided]) -> None:
    done = [str(one.group) for one in decided if one.decision is not None]
    if done:
        messages.success(request, f"{verdict.past.capitalize()} {len(done)}: {'; '.join(done)}. {FOLLOWS[verdict]}")
    for one in decided:
        if one.error is not None:
            messages.error(
                request,
                gettext("%(group)s was not %(past)s: %(error)s")
                % {"group": one.group, "past": verdict.past, "error": one.error},
            )


@dataclass(frozen=True)
class Waiting:
    """A group that waits. `may_decide`: whether this person has the role; `hindrance`: why they may only reject.

    `closest`: the member that keeps least above its target.
    """

    group: MergedGroup
    may_decide: bool
    hindrance: str
    closest: MergedGroupQuery | None


def _waiting(actor: Person, groups: Iterable[MergedGroup]) -> list[Waiting]:
    found = list(groups)
    sites = set(sites_with_role(actor, Role.APPROVER).values_list("id", flat=True)) if found else set()
    return [Waiting(one, one.run.box.site_id in sites, _hindrance(actor, one), _closest(one)) for one in found]


def _closest(found: MergedGroup) -> MergedGroupQuery | None:
    return min(found.members.all(), key=lambda one: one.validation_lower - one.accuracy_target, default=None)


def _hindrance(actor: Person, found: MergedGroup) -> str:
    return approval_hindrance(
        is_requester=found.run.requested_by_id == actor.pk,
        requester_may_approve=found.run.box.site.requester_may_approve,
    )


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
            messages.success(request, f"{verdict.past.capitalize()}. {FOLLOWS[verdict]}")
            return redirect("merges:group-detail", group_id)
    return render(request, "merges/group_detail.html", _group_context(request, group_id, form))


def disagreement_picture(request: HttpRequest, group_id: UUID, disagreement_id: UUID) -> HttpResponse:
    """Raises NotFound, also at once when the camera's privacy lets it no longer be seen."""
    found = disagreement_get(request.user, group_id, disagreement_id)
    return HttpResponse(picture_of(found), content_type="image/jpeg", headers=PRIVATE)


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
        "shared_rows": shared_rows(shown),
        "accuracy": accuracy_picture(members),
        "differences": differences_by_member(members, disagreement_list(shown)),
        "outcome": outcome(decisions, bundle_figures(shown.run.box)),
        "form": form,
        "may_decide": has_role(request.user, shown.run.box.site, Role.APPROVER),
        "hindrance": _hindrance(request.user, shown),
        "states": MergedGroupState,
        "states_open": (MergedGroupState.WAITING, MergedGroupState.APPROVED, MergedGroupState.REVERTED),
        "whole_frames": any(one.model.task == "detection" and one.differing_frames for one in members),
        "placed": len(boxes_placed(shown)),
    }
