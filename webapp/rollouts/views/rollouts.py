"""Pages of rollouts: the list, how one stands, starting one, and what people do while it goes on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_POST

from webapp.common.errors import NotFound
from webapp.common.lists import shown_list
from webapp.common.pages import form_errors, message_errors
from webapp.merges.selectors import merged_group_get
from webapp.rollouts import services
from webapp.rollouts.candidates import candidates
from webapp.rollouts.forms import RolloutForm, time_zones
from webapp.rollouts.models import RolloutState
from webapp.rollouts.progress import progress, standing
from webapp.rollouts.selectors import box_statuses, group_rollouts, rollout_get, rollout_list, rollout_tallies
from webapp.rollouts.waves import counts, tallies_of


@dataclass(frozen=True)
class Action:
    """What a person does to a rollout after a page has said what will happen."""

    title: str
    service: Callable[..., None]
    done: str


ACTIONS = {
    "resume": Action(gettext_lazy("Resume the rollout"), services.rollout_resume, gettext_lazy("The rollout goes on.")),
    "abort": Action(
        gettext_lazy("Abort the rollout"),
        services.rollout_abort,
        gettext_lazy("Aborted: no further box is started."),
    ),
    "roll-back": Action(
        gettext_lazy("Roll back all boxes"),
        services.rollout_roll_back,
        gettext_lazy("Every box goes back to what it ran before."),
    ),
}


def rollouts(request: HttpRequest) -> HttpResponse:
    fields = ("group__name", "group__run__box__name", "group__run__box__site__name")
    shown = shown_list(rollout_list(request.user), fields, request.GET)
    now, tallies = timezone.now(), rollout_tallies(rollout.id for rollout in shown.page)
    rows = [standing(rollout, tallies[rollout.id], now) for rollout in shown.page]
    return render(request, "rollouts/rollout_list.html", {"shown": shown, "rows": rows})


def rollout(request: HttpRequest, rollout_id: UUID) -> HttpResponse:
    shown = rollout_get(request.user, rollout_id)
    now = timezone.now()
    found = progress(shown, box_statuses([row.box for row in shown.boxes.all()], now), now)
    context = {"rollout": shown, "progress": found, "states": RolloutState, "home": shown.group.run.box}
    return render(request, "rollouts/rollout_detail.html", context)


def start(request: HttpRequest, group_id: UUID) -> HttpResponse:
    group = merged_group_get(request.user, group_id)
    possible = candidates(group)
    form = RolloutForm(request.POST or None, possible=possible)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            made = services.rollout_start(
                actor=request.user,
                group=group,
                boxes=form.chosen(),
                canary=form.canary_chosen(),
                terms=form.terms(),
                now=timezone.now(),
            )
            messages.success(request, gettext("Rolling out to %(count)s boxes.") % {"count": made.boxes.count()})
            return redirect("rollouts:rollout-detail", made.id)
    context = {
        "group": group,
        "home": group.run.box,
        "form": form,
        "possible": [one for one in possible if not one.problem],
        "impossible": [one for one in possible if one.problem],
        "zones": time_zones(),
    }
    return render(request, "rollouts/rollout_start.html", context)


def group_offer(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """On the page of an approved merged group: its rollouts, and to how many boxes it may go (htmx)."""
    group = merged_group_get(request.user, group_id)
    possible = sum(not one.problem for one in candidates(group))
    context = {"group": group, "possible": possible, "rollouts": group_rollouts(request.user, group)}
    return render(request, "components/group_rollouts.html", context)


@require_POST
def pause(request: HttpRequest, rollout_id: UUID) -> HttpResponse:
    shown = rollout_get(request.user, rollout_id)
    with message_errors(request):
        services.rollout_pause(actor=request.user, rollout=shown, now=timezone.now())
        messages.success(request, gettext("Paused: no further box is started; those under way go on."))
    return redirect("rollouts:rollout-detail", rollout_id)


def confirm(request: HttpRequest, rollout_id: UUID, action: str) -> HttpResponse:
    """Says what will happen and to how many boxes; a POST does it."""
    shown, wanted = rollout_get(request.user, rollout_id), ACTIONS.get(action)
    if wanted is None:
        raise NotFound(gettext("There is no such action."))
    if request.method == "POST":
        with message_errors(request):
            wanted.service(actor=request.user, rollout=shown, now=timezone.now())
            messages.success(request, wanted.done)
        return redirect("rollouts:rollout-detail", rollout_id)
    context: dict[str, Any] = {"rollout": shown, "action": action, "title": wanted.title, "home": shown.group.run.box}
    found = counts(tallies_of(shown.boxes.all()))
    context["numbers"] = {state.replace(" ", "_"): count for state, count in found.items()}
    return render(request, "rollouts/rollout_confirm.html", context)
