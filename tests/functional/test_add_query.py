"""Adding, changing and deleting a query."""

import pytest
from django.urls import reverse

from webapp.audit.models import AuditEvent
from webapp.fleets.models import Box
from webapp.rollouts.selectors import target_state
from webapp.rollouts.services import bundle_publish
from webapp.workloads.models import Query


def _terms(**changes):
    numbers = {"accuracy_target": 0.95, "rate_fps": 5, "deadline_ms": 500, "priority": 1}
    return {"name": "count cars", "objects": ["car"]} | numbers | changes


def _add(browser, fleet, **changes):
    entered = _terms(camera=fleet.camera.id, model=fleet.model.id) | changes
    return browser.post(reverse("workloads:query-add"), entered)


def test_adds_a_query_and_shows_it(browser, fleet, words):
    page = words(browser.get(_add(browser, fleet).url))

    assert "Looks for car" in page
    assert "95.0 % of its original" in page


BAD = [
    ({"accuracy_target": 0}, "The accuracy target is a fraction above 0 and up to 1"),
    ({"accuracy_target": 1.01}, "The accuracy target is a fraction above 0 and up to 1"),
    ({"accuracy_target": "nan"}, "Enter a number"),
    ({"objects": ["car", "zebra"]}, 'vehicles does not know "zebra": its classes are car, truck, bus.'),
    ({"rate_fps": 0}, "The rate lies between"),
    ({"deadline_ms": 0}, "The deadline lies between"),
    ({"priority": 0}, "The priority lies between 0.1 and 10; that of an ordinary query is 1."),
    ({"name": " "}, "This field is required"),
]


@pytest.mark.parametrize(("changes", "sentence"), BAD)
def test_refuses_a_bad_query_with_one_sentence_and_adds_nothing(browser, fleet, words, changes, sentence):
    response = _add(browser, fleet, **changes)

    assert response.status_code == 200
    assert sentence in words(response)
    assert not Query.objects.exists()


@pytest.mark.parametrize(("changes", "sentence"), BAD[:2] + BAD[3:4])
def test_refuses_a_bad_change_and_keeps_the_query(browser, fleet, words, changes, sentence):
    query = fleet.query("count cars")

    response = browser.post(reverse("workloads:query-edit", args=[query.id]), _terms(**changes))
    assert sentence in words(response)
    query.refresh_from_db()
    assert (query.accuracy_target, query.objects_wanted) == (0.95, ["car"])


def test_says_after_a_change_whether_the_box_follows_now(browser, fleet, words):
    query = fleet.query("count cars")
    address = reverse("workloads:query-edit", args=[query.id])
    told = {True: "Saved. north gate was told and follows now", False: "Saved. north gate is not connected: it follows"}

    for is_connected, sentence in told.items():
        Box.objects.update(is_connected=is_connected)
        assert sentence in words(browser.post(address, _terms(deadline_ms=800), follow=True))


def test_changes_a_query(browser, fleet):
    query = fleet.query("count cars")

    entered = _terms(name="count trucks", objects=["truck", "bus"], accuracy_target=0.9)
    browser.post(reverse("workloads:query-edit", args=[query.id]), entered)
    query.refresh_from_db()
    assert (query.name, query.objects_wanted, query.accuracy_target) == ("count trucks", ["truck", "bus"], 0.9)


def test_a_priority_reaches_the_pages_the_audit_log_and_the_box(browser, fleet, words):
    query = fleet.query("count cars")
    page = reverse("dashboard:query-detail", args=[query.id])
    assert "Priority 1 ordinary" in words(browser.get(page))

    browser.post(reverse("workloads:query-edit", args=[query.id]), _terms(priority=2.5))
    bundle_publish(box=fleet.box, now=query.created_at)

    assert "Priority 2.5 frames of an ordinary query" in words(browser.get(page))
    assert "priority 2.5" in words(browser.get(reverse("dashboard:query-list")))
    assert AuditEvent.objects.get(action="query.update").detail["priority"] == 2.5
    (target,) = target_state(fleet.box).queries
    assert target.priority == 2.5


def test_offers_the_classes_of_the_chosen_model(browser, fleet, words):
    part = browser.get(reverse("workloads:query-objects"), {"model": fleet.model.id})

    assert "car" in words(part)
    assert "truck" in words(part)
    assert "Choose a model" in words(browser.get(reverse("workloads:query-objects"), {"model": ""}))


def test_deletes_a_query_only_after_asking(browser, fleet, words):
    query = fleet.query("count cars")
    delete = reverse("workloads:query-delete", args=[query.id])

    assert "gets a new bundle without it" in words(browser.get(delete))
    assert Query.objects.exists()
    browser.post(delete)
    assert not Query.objects.exists()


def test_leads_to_the_first_camera_when_there_is_none(browser, db):
    assert browser.get(reverse("workloads:query-add")).url == reverse("fleets:camera-add")
