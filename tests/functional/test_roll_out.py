"""A merged group is approved on one box, goes to others in waves, and is taken back from all of them."""

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from tests.functional.yard import HOME, Yard, roll_out, rollout_page
from tests.simulators.product import until
from webapp.rollouts.models import Bundle, Rollout

pytestmark = pytest.mark.django_db(transaction=True)
OTHERS = ("east gate", "south gate", "west gate")


@pytest.fixture
def yard(yard_with: Callable[..., Yard]) -> Yard:
    return yard_with(*OTHERS)


def test_approve_and_roll_out_in_waves_and_take_it_all_back(
    browser: Client, yard: Yard, words: Callable[..., str]
) -> None:
    browser.post(reverse("merges:group-decide", args=[yard.group.id]), {"verdict": "approve", "reason": ""})
    until(lambda: yard.merged() == {HOME})
    offer = words(browser.get(reverse("rollouts:group-offer", args=[yard.group.id])))
    assert "3 boxes of this site run the same models without this merge" in offer

    rollout = roll_out(browser, yard, "south gate")

    order: list[str] = []

    def is_done() -> bool:
        order.extend(sorted(yard.merged() - {HOME, *order}))
        return Rollout.objects.get().state == "finished"

    until(is_done)
    assert order == ["south gate", "east gate", "west gate"]
    page = rollout_page(browser, words, rollout)
    assert "It runs on 3 of 3 boxes." in page
    assert "Canary It runs on 1 of 1 box: passed." in page
    assert "96 B" in page  # the one tensor of 32 bytes for each of three boxes
    merged = Bundle.objects.filter(is_merged=True)
    assert len({bundle.manifest_digest for bundle in merged}) == len(yard.boxes)
    assert {bundle.size_bytes for bundle in merged} == {32}

    confirm = reverse("rollouts:rollout-confirm", args=[rollout.id, "roll-back"])
    assert "3 boxes go back to what they ran before" in words(browser.get(confirm))
    browser.post(confirm)
    until(lambda: yard.merged() == {HOME})
    assert "3 boxes went back to what they ran before." in rollout_page(browser, words, rollout)
