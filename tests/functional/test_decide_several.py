"""Several merged groups decided at once: each for itself, with its own row and audit entry."""

import pytest
from django.urls import reverse

from webapp.accounts.models import Person
from webapp.audit.models import AuditEvent
from webapp.fleets.models import Role
from webapp.jobs.models import Job
from webapp.merges.models import Decision, MergedGroup, MergedGroupState

LIST = "merges:group-list"


@pytest.fixture
def groups(fleet) -> list[MergedGroup]:
    return [fleet.merged_group(fleet.query(f"{what} in"), fleet.query(f"{what} out")) for what in ("cars", "trucks")]


def _decide(browser, groups, verdict="approve", reason=""):
    entry = {"group": [group.pk for group in groups], "verdict": verdict, "reason": reason}
    return browser.post(reverse("merges:groups-decide"), entry, follow=True)


def _states(groups):
    return [MergedGroup.objects.get(pk=group.pk).state for group in groups]


def test_lists_what_waits_with_what_it_saves_and_keeps(browser, groups, words):
    page = words(browser.get(reverse(LIST)))

    assert "cars in + cars out north gate 12.0 MiB → 7.0 MiB 41.7 % 96.1 % , target 95.0 %" in page
    assert "Approve ticked" in page


def test_one_reason_and_one_verdict_make_a_decision_and_an_audit_entry_each(browser, groups, words):
    page = words(_decide(browser, groups, reason="checked both"))

    assert "Approved 2: cars in + cars out; trucks in + trucks out." in page
    assert _states(groups) == [MergedGroupState.APPROVED] * 2
    assert {(row.group_id, row.reason) for row in Decision.objects.all()} == {(g.pk, "checked both") for g in groups}
    entries = AuditEvent.objects.filter(action="merged_group.approve")
    assert {entry.subject_id for entry in entries} == {group.pk for group in groups}
    assert Job.objects.filter(subject=groups[0].run.box_id).exists()
    assert "Approve by ada" in words(browser.get(reverse(LIST)))


def test_one_that_is_refused_says_which_and_why_and_stops_no_other(browser, groups, words):
    MergedGroup.objects.filter(pk=groups[0].pk).update(state=MergedGroupState.SUPERSEDED)

    page = words(_decide(browser, groups))

    assert "Approved 1: trucks in + trucks out." in page
    assert "cars in + cars out was not approved: This merged group is superseded by now" in page
    assert _states(groups) == [MergedGroupState.SUPERSEDED, MergedGroupState.APPROVED]
    assert Decision.objects.count() == 1


def test_a_group_that_is_ticked_twice_is_decided_once(browser, groups, words):
    page = words(_decide(browser, [groups[0], groups[0]], "reject"))

    assert "Rejected 1" in page
    assert "was not" not in page


def test_nothing_ticked_changes_nothing(browser, groups, words):
    assert "Tick the merged groups that you decide about." in words(_decide(browser, []))
    assert _states(groups) == [MergedGroupState.WAITING] * 2


def test_the_requester_approves_those_of_others_only(fleet, groups, client_of, words):
    requester = fleet.member(Role.APPROVER)
    fleet.site.requester_may_approve = False
    fleet.site.save()
    groups[0].run.requested_by = requester
    groups[0].run.save()
    browser = client_of(requester)

    assert "cars out You requested this merge." in words(browser.get(reverse(LIST)))
    page = words(_decide(browser, groups))
    assert (
        "cars in + cars out was not approved: In this site the person who requested a merge may not approve it" in page
    )
    assert _states(groups) == [MergedGroupState.WAITING, MergedGroupState.APPROVED]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_others_see_what_waits_and_decide_nothing(fleet, groups, client_of, words, role):
    browser = client_of(fleet.member(role))

    page = browser.get(reverse(LIST))
    assert "People with the role approver decide about these." in words(page)
    assert 'type="checkbox"' not in page.content.decode()
    assert "Only people with the role approver" in words(_decide(browser, groups))
    assert _states(groups) == [MergedGroupState.WAITING] * 2


def test_the_list_takes_few_queries_however_many_groups_wait(browser, fleet, django_assert_max_num_queries):
    for number in range(6):
        fleet.merged_group(fleet.query(f"a {number}"), fleet.query(f"b {number}"))
    with django_assert_max_num_queries(12):
        browser.get(reverse(LIST))


def test_groups_of_a_site_that_one_does_not_see_are_not_there(fleet, groups, client_of):
    stranger = Person.objects.create_user("stranger")
    assert _decide(client_of(stranger), groups).status_code == 404
    assert _states(groups) == [MergedGroupState.WAITING] * 2
