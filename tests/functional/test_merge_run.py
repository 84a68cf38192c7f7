"""Starting a merge run, watching it, cancelling it."""

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.audit.models import AuditEvent
from webapp.jobs.models import Job
from webapp.merges.models import MergeRun, MergeRunState
from webapp.merges.services import merge_run_event_record
from webapp.merges.strategies import STRATEGIES

HOW = {"strategy": "optimistic", "time_limit_min": 20}


def _event(**changes):
    event = {
        "type": "evaluated",
        "seconds": 12.0,
        "samples_seen": 640,
        "bytes_before": 12 * 2**20,
        "bytes_after": 7 * 2**20,
        "saved_bytes": 5 * 2**20,
        "step": 20,
        "steps_planned": 250,
        "trying": "Training 2 queries with every identical layer shared.",
        "queries": [],
    }
    return event | changes


@pytest.fixture
def started(browser, fleet) -> MergeRun:
    fleet.query("count cars")
    fleet.query("count trucks")
    fleet.dataset()
    browser.post(reverse("merges:run-start", args=[fleet.box.id]), HOW)
    return MergeRun.objects.get()


def test_shows_what_is_missing_and_refuses_to_start_without_it(browser, fleet, words):
    fleet.query("count cars")
    fleet.query("count trucks")
    start = reverse("merges:run-start", args=[fleet.box.id])

    assert '"count cars" has no data set' in words(browser.get(start))
    response = browser.post(start, HOW)
    assert response.status_code == 200
    assert not MergeRun.objects.exists()


def test_says_that_a_merge_needs_two_queries(browser, fleet, words):
    assert "a merge needs two" in words(browser.get(reverse("merges:run-start", args=[fleet.box.id])))


def test_starts_a_run_as_a_job_and_shows_it(browser, started, words):
    page = words(browser.get(reverse("merges:run-detail", args=[started.id])))

    assert started.state == MergeRunState.QUEUED
    assert started.time_limit_s == 1200
    assert Job.objects.get(id=started.job_id).queue == "gpu"
    assert "Waiting for a worker" in page
    assert "count cars" in page


def _start(browser, fleet, **changes):
    return browser.post(reverse("merges:run-start", args=[fleet.box.id]), HOW | changes)


@pytest.fixture
def queries(fleet):
    fleet.dataset()
    return fleet.query("count cars"), fleet.query("count trucks")


def test_explains_every_strategy_and_recommends_one(browser, fleet, queries, words):
    page = words(browser.get(reverse("merges:run-start", args=[fleet.box.id])))

    for strategy in STRATEGIES:
        assert str(strategy.sentence) in page
    assert page.count("recommended") == 1


def test_offers_the_targets_of_the_queries_and_takes_others_for_this_run(browser, fleet, queries):
    cars, trucks = queries
    page = browser.get(reverse("merges:run-start", args=[fleet.box.id])).content.decode()
    assert page.count('value="0.95"') == 2

    _start(browser, fleet, **{f"target_{cars.id}": "0.8", f"target_{trucks.id}": ""}, match="shape")
    run = MergeRun.objects.get()
    assert run.match == "shape"
    assert dict(run.run_queries.values_list("name", "accuracy_target")) == {"count cars": 0.8, "count trucks": 0.95}
    cars.refresh_from_db()
    assert cars.accuracy_target == 0.95
    assert AuditEvent.objects.get(action="merge_run.start").detail["targets"] == {"count cars": 0.8}


@pytest.mark.parametrize("target", ["0", "1.2", "-0.5", "nan", "most"])
def test_refuses_an_impossible_target_beside_its_field(browser, fleet, queries, target):
    field = f"target_{queries[0].id}"

    response = _start(browser, fleet, **{field: target})
    assert response.status_code == 200
    assert response.context["form"].errors[field]
    assert not MergeRun.objects.exists()


@pytest.mark.parametrize(("field", "value"), [("strategy", "magic"), ("match", "roughly")])
def test_refuses_what_is_not_on_offer(browser, fleet, queries, field, value):
    _start(browser, fleet, **{field: value})
    assert not MergeRun.objects.exists()


def test_hands_all_events_so_far_to_a_page_that_is_opened_later(browser, started):
    merge_run_event_record(run=started, payload=_event(), now=timezone.now())
    merge_run_event_record(run=started, payload=_event(seconds=24.0), now=timezone.now())

    response = browser.get(reverse("merges:run-detail", args=[started.id]))
    history = response.context["history"]
    assert [event["seconds"] for event in history["events"]] == [12.0, 24.0]
    assert history["last"] == 1
    assert f'data-live="merge-run:{started.id}"' in response.content.decode()


def test_cancels_a_run(browser, started, words):
    page = words(browser.post(reverse("merges:run-cancel", args=[started.id]), follow=True))

    started.refresh_from_db()
    assert started.state == MergeRunState.CANCELLED
    assert "Cancelling" in page


def test_says_that_an_ended_run_cannot_be_cancelled(browser, started, words):
    MergeRun.objects.update(state=MergeRunState.SUCCEEDED)

    page = words(browser.post(reverse("merges:run-cancel", args=[started.id]), follow=True))
    assert "has succeeded already" in page


def test_shows_why_a_run_failed(browser, started, words):
    MergeRun.objects.update(state=MergeRunState.FAILED, problem="The worker stopped 3 times during this work.")

    for page in (reverse("merges:run-detail", args=[started.id]), reverse("merges:run-list")):
        assert "The worker stopped 3 times during this work." in words(browser.get(page))


@pytest.mark.parametrize("limit", ["0", "-1", "soon"])
def test_refuses_an_impossible_time_limit(browser, fleet, limit):
    fleet.query("count cars")
    fleet.query("count trucks")
    fleet.dataset()

    browser.post(reverse("merges:run-start", args=[fleet.box.id]), HOW | {"time_limit_min": limit})
    assert not MergeRun.objects.exists()
