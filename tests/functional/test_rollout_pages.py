"""Pages of rollouts: how one is started, what they say, and what people do while one goes on."""

from datetime import time

import pytest
from django.urls import reverse

from webapp.fleets.models import Role
from webapp.merges.models import MergedGroup, MergedGroupState
from webapp.rollouts.models import Rollout, RolloutBox


@pytest.fixture
def group(fleet) -> MergedGroup:
    group = fleet.merged_group(fleet.query("count cars"), fleet.query("count trucks"))
    MergedGroup.objects.update(state=MergedGroupState.APPROVED)
    return group


def _start(browser, group, boxes, **changes):
    entered = {
        "boxes": [str(box.id) for box in boxes],
        "canary": str(boxes[0].id) if boxes else "",
        "percentages": "50, 100",
        "success_percent": "80",
        "error_percent": "20",
        "window_start": "",
        "window_end": "",
        "window_zone": "Europe/Berlin",
        "window_days": [str(day) for day in range(7)],
    }
    return browser.post(reverse("rollouts:rollout-start", args=[group.id]), entered | changes)


def _detail(browser, words, rollout):
    return words(browser.get(reverse("rollouts:rollout-detail", args=[rollout.id])))


def test_offers_the_boxes_with_the_same_workload_and_says_why_others_are_left_out(browser, fleet, group, words):
    fleet.other_box("east gate", "count cars", "count trucks")
    fleet.other_box("half a gate", "count cars")

    page = words(browser.get(reverse("rollouts:rollout-start", args=[group.id])))

    assert "1 box can get it." in page
    assert "half a gate : It has no query with the model vehicles left for count trucks." in page
    offer = words(browser.get(reverse("rollouts:group-offer", args=[group.id])))
    assert "1 box of this site runs the same models without this merge. It can get it" in offer


def test_starts_one_with_its_waves_thresholds_and_window(browser, fleet, group, words):
    boxes = [fleet.other_box(name, "count cars", "count trucks") for name in ("east", "south", "west")]

    response = _start(browser, group, boxes, window_start="22:00", window_end="04:00", window_days=["4", "5"])

    rollout = Rollout.objects.get()
    assert response.headers["Location"] == reverse("rollouts:rollout-detail", args=[rollout.id])
    assert [row.wave for row in rollout.boxes.all()] == [0, 1, 2]
    assert (rollout.window_start, rollout.window_days) == (time(22), [4, 5])
    page = _detail(browser, words, rollout)
    assert "22:00 to 04:00 of the next day, Friday, Saturday, Europe/Berlin" in page
    assert "when 80 % of its boxes run it well" in page
    assert "Waits for wave 1: it runs on 0 of the 1 needed there." in page
    assert "Waits for wave 1" in words(browser.get(reverse("dashboard:box-detail", args=[boxes[1].id])))
    assert "started rollout of count cars + count trucks" in words(browser.get(reverse("dashboard:overview")))


@pytest.mark.parametrize(
    ("changes", "words_expected"),
    [
        ({"chosen": 0}, "Choose a box."),
        ({"percentages": "50"}, "end with 100"),
        ({"percentages": "ten, 100"}, "whole percentages with commas"),
        ({"error_percent": "30"}, "from 0 to 20 % may fail"),
        ({"window_start": "22:00"}, "has a start and an end"),
        ({"window_start": "22:00", "window_end": "04:00", "window_zone": "Mars"}, 'no time zone "Mars"'),
        ({"window_start": "22:00", "window_end": "04:00", "window_days": []}, "Choose the weekdays"),
    ],
)
def test_a_mistake_is_named_beside_its_field_and_nothing_starts(browser, fleet, group, words, changes, words_expected):
    boxes = [fleet.other_box("east", "count cars", "count trucks")][: changes.get("chosen", 1)]

    response = _start(browser, group, boxes, **changes)

    assert words_expected in words(response)
    assert not Rollout.objects.exists()


def test_a_group_without_other_boxes_offers_nothing(browser, group, words):
    assert words(browser.get(reverse("rollouts:group-offer", args=[group.id]))) == ""
    page = words(browser.get(reverse("rollouts:rollout-start", args=[group.id])))
    assert "No other box of this site runs the models" in page


def test_every_box_says_its_state_in_words(browser, fleet, group, words):
    rollout = fleet.rollout(group, "succeeded", "updating", "failed", "waiting")
    response = browser.get(reverse("rollouts:rollout-detail", args=[rollout.id]))

    page = words(response)
    for said in ("Cars got worse.", "succeeded: 1", "failed: 1", "Starts in a moment."):
        assert said in page
    content = response.content.decode()
    assert 'aria-label="box 3: failed"' in content
    assert 'title="box 3: failed. Cars got worse."' in content


def test_pauses_at_once_and_names_what_resuming_aborting_and_rolling_back_would_do(browser, fleet, group, words):
    rollout = fleet.rollout(group, "succeeded", "updating", "failed", "waiting")
    browser.post(reverse("rollouts:rollout-pause", args=[rollout.id]))
    assert "ada paused it." in _detail(browser, words, rollout)

    def confirmation(action):
        return words(browser.get(reverse("rollouts:rollout-confirm", args=[rollout.id, action])))

    assert "It goes on without the 1 box that failed." in confirmation("resume")
    assert "2 boxes under way or failed stay with what they had. 1 that runs the merged group well keeps it." in (
        confirmation("abort")
    )
    assert "3 boxes go back to what they ran before , without waiting for a maintenance window; 1 that waits" in (
        confirmation("roll-back")
    )


@pytest.mark.parametrize(
    ("action", "state"), [("resume", "running"), ("abort", "aborted"), ("roll-back", "rolled back")]
)
def test_does_what_was_confirmed(browser, fleet, group, action, state):
    rollout = fleet.rollout(group, "failed", "waiting")
    Rollout.objects.update(state="paused")

    browser.post(reverse("rollouts:rollout-confirm", args=[rollout.id, action]))

    rollout.refresh_from_db()
    assert rollout.state == state
    assert RolloutBox.objects.get(state="failed").is_accepted is (action == "resume")


def test_says_when_somebody_else_was_faster(browser, fleet, group, words):
    rollout = fleet.rollout(group)
    Rollout.objects.update(state="aborted")
    page = words(browser.post(reverse("rollouts:rollout-confirm", args=[rollout.id, "resume"]), follow=True))
    assert "This rollout is aborted by now, so nothing was changed." in page


def test_an_operator_may_pause_but_not_resume(fleet, group, client_of, words):
    rollout = fleet.rollout(group)
    operator = client_of(fleet.member(Role.OPERATOR))
    operator.post(reverse("rollouts:rollout-pause", args=[rollout.id]))
    page = words(operator.post(reverse("rollouts:rollout-confirm", args=[rollout.id, "resume"]), follow=True))
    assert "Only people with the role approver" in page
    rollout.refresh_from_db()
    assert rollout.state == "paused"


def test_there_is_no_other_action(browser, fleet, group):
    rollout = fleet.rollout(group)
    assert browser.get(reverse("rollouts:rollout-confirm", args=[rollout.id, "explode"])).status_code == 404
