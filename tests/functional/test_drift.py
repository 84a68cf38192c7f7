"""A merged group loses accuracy on its box: reverted, merged anew with fresh frames, approved by a person, and back."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.messages import QuerySample
from tests.functional.yard import HOME, Yard
from tests.integration.server.test_server_merges import finish
from tests.simulators.product import until
from webapp.alerts.conditions import findings
from webapp.alerts.facts import gather
from webapp.alerts.services import alerts_evaluate
from webapp.audit.models import AuditEvent
from webapp.drift.models import Drift
from webapp.drift.services import drift_settings_update, drifts_follow
from webapp.merges.models import Decision, MergedGroup, MergeRun
from webapp.rollouts.models import Bundle
from webapp.workloads.models import Dataset, DatasetState

pytestmark = pytest.mark.django_db(transaction=True)
WATCH = {"response": "merge", "window_s": 60, "frames_min": 10, "merge_frames": 100, "merge_span_s": 10}


def follow() -> None:
    """What beat has a worker do every few seconds."""
    now = timezone.now()
    drifts_follow(now=now)
    alerts_evaluate(findings=findings(gather(now), now), now=now)


def scores(yard: Yard, *scored: tuple[int, int]) -> None:
    """The box compares so many frames of every merged model with its original, in every second from now on."""
    serving = yard.boxes[HOME].serving
    assert serving.running is not None
    serving.samples = tuple(
        QuerySample(model.slot, 10, 10, 0, 0, 20.0, 30.0, 0, 0.0, None, 0, scored=scored)
        for model in serving.running.manifest.models
    )


def approve(browser: Client, yard: Yard, group: MergedGroup) -> None:
    browser.post(reverse("merges:group-decide", args=[group.id]), {"verdict": "approve", "reason": ""})
    yard.group = group
    until(lambda: yard.merged() == {HOME})
    until(lambda: yard.is_confirmed(HOME, Bundle.objects.count()))


def test_drift_is_reverted_merged_anew_and_approved_again(
    browser: Client, yard_with: Callable[..., Yard], words: Callable[..., str]
) -> None:
    yard = yard_with()
    old = yard.group
    drift_settings_update(actor=None, site=yard.site, now=timezone.now(), **WATCH)
    approve(browser, yard, old)

    scores(yard, *[(2, 0)] * 6, *[(0, 2)] * 14)
    until(lambda: follow() or Drift.objects.exists())
    until(lambda: not yard.merged())
    decision = Decision.objects.filter(group=old).order_by("-at")[0]
    assert (decision.verdict, decision.actor) == ("revert", None)
    assert "agreed with its original on 30.0 %" in decision.reason
    reverted = Bundle.objects.order_by("-version")[0]
    assert not reverted.is_merged
    assert reverted.reason.startswith("reverted: count ")
    scores(yard)
    page = reverse("alerts:alert-list")
    assert "The merged group was reverted to its originals" in words(browser.get(page))

    follow()
    asked = Dataset.objects.get(state=DatasetState.COLLECTING)
    assert (asked.frames_wanted, asked.span_s) == (100, 10.0)
    Dataset.objects.filter(id=asked.id).update(state=DatasetState.READY, frame_count=100)
    until(lambda: follow() or MergeRun.objects.filter(starts_from=old).exists())
    run = MergeRun.objects.get(starts_from=old)
    assert (run.requested_by, {query.dataset for query in run.run_queries.all()}) == (None, {asked})
    finish(run, "count cars", "count trucks", content=b"merged anew from what ran last")
    until(lambda: follow() or "a new merge waits for a decision" in words(browser.get(page)))

    approve(browser, yard, run.groups.get())
    scores(yard, *[(2, 0)] * 20)
    until(lambda: follow() or Drift.objects.get().state == "ended")
    follow()
    assert Drift.objects.count() == 1  # what was scored under the old group does not count against the new one
    actions = AuditEvent.objects.filter(action__startswith="drift.").order_by("at").values_list("action", flat=True)
    assert list(actions) == ["drift.find", "drift.end"]
