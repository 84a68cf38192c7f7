"""A canary does badly: it goes back by itself, the rollout pauses before any other box, and a person takes it back."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.functional.yard import HOME, Yard, roll_out, rollout_page
from tests.simulators.product import until
from webapp.fleets.models import Box
from webapp.rollouts.models import Rollout

pytestmark = pytest.mark.django_db(transaction=True)
OTHERS = ("east gate", "south gate", "west gate")


@pytest.fixture
def yard(yard_with: Callable[..., Yard]) -> Yard:
    return yard_with(*OTHERS)


def test_a_canary_fails_and_everything_goes_back(browser: Client, yard: Yard, words: Callable[..., str]) -> None:
    yard.is_bad_for("south gate")
    browser.post(reverse("merges:group-decide", args=[yard.group.id]), {"verdict": "approve", "reason": ""})
    until(lambda: yard.merged() == {HOME})
    rollout = roll_out(browser, yard, "south gate")

    until(lambda: Rollout.objects.get().state == "paused")
    until(lambda: yard.merged() == {HOME})  # the canary went back to its last good bundle by itself
    page = rollout_page(browser, words, rollout)
    assert "1 of 1 box in wave 1 of 3 failed, none tolerated." in page
    assert "answered like the originals on only 40% of 20 sampled frames" in page
    assert "Waits: the rollout is paused." in page
    assert "is paused" in words(browser.get(reverse("dashboard:overview")))

    confirm = reverse("rollouts:rollout-confirm", args=[rollout.id, "roll-back"])
    assert "1 box goes back to what it ran before" in words(browser.get(confirm))
    browser.post(confirm)

    until(lambda: rollout.boxes.filter(state="rolled back").count() == 1)
    canary = Box.objects.get(name="south gate")
    until(lambda: "is paused" not in words(browser.get(reverse("dashboard:overview"))))
    status = f"/api/v1/bundles/status/{canary.id}/"
    until(lambda: browser.get(status).json()["state"] != "not at target")
    assert yard.merged() == {HOME}
    assert [box.bundles.count() for box in Box.objects.filter(name__in=("east gate", "west gate"))] == [1, 1]
