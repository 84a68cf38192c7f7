"""The decision about a merged group, and what the box measured before and after."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from webapp.fleets.models import Role
from webapp.jobs.models import Job
from webapp.merges.models import Decision, MergedGroup, MergedGroupState, PlacedMember
from webapp.merges.running import running_members
from webapp.merges.savings import savings
from webapp.telemetry.models import BoxSample, QuerySample
from webapp.workloads.models import Query

MIB = 2**20


@pytest.fixture
def group(fleet) -> MergedGroup:
    return fleet.merged_group(fleet.query("count cars"), fleet.query("count trucks"))


def _decide(browser, group, verdict, reason=""):
    address = reverse("merges:group-decide", args=[group.id])
    return browser.post(address, {"verdict": verdict, "reason": reason}, follow=True)


def _measure(box, query, version, used, lost, at):
    sample = BoxSample.objects.create(
        box=box,
        boot_id="b",
        seq=int(at.timestamp()),
        at=at,
        interval_s=1.0,
        bundle_version=version,
        memory_budget=100 * MIB,
        memory_private=used,
        memory_shared=0,
        memory_activations=0,
        memory_overhead=0,
        memory_free=100 * MIB - used,
        memory_rss=0,
    )
    QuerySample.objects.create(
        box_sample=sample,
        query_id=query.id,
        at=at,
        bundle_version=version,
        captured=10,
        processed=10 - lost,
        dropped=lost,
        late=0,
        swaps=lost,
        swap_ms=1.0,
    )


def test_says_in_figures_what_approving_changes(browser, group, words):
    page = words(browser.get(reverse("merges:group-detail", args=[group.id])))

    assert "41.7 % less memory" in page
    assert "12.0 MiB" in page
    assert "7.0 MiB" in page
    assert "97.3 %" in page
    assert "96.1 % to 98.4 %" in page
    assert "agreement" in page
    assert "north gate" in page


def test_a_box_offers_its_finished_merge_while_nobody_has_decided_about_it(browser, fleet, group, words):
    box = reverse("dashboard:box-detail", args=[fleet.box.id])
    page = browser.get(box)
    assert f'href="{reverse("merges:group-detail", args=[group.id])}">' in page.content.decode()
    assert "Look at its finished merge" in words(page)
    assert "Merge its models" not in words(page)

    _decide(browser, group, "reject", "not now")

    assert "Look at its finished merge" not in words(browser.get(box))
    assert "Merge its models" in words(browser.get(box))


def test_hands_the_picture_of_sharing_its_columns(browser, group):
    picture = browser.get(reverse("merges:group-detail", args=[group.id])).context["picture"]

    assert [column["query"] for column in picture["columns"]] == ["count cars", "count trucks"]
    shared = [[layer["shared"] for layer in column["layers"]] for column in picture["columns"]]
    assert shared == [[0, None], [0, None]]


def test_approves_and_lets_a_bundle_be_published(browser, group, words):
    page = words(_decide(browser, group, "approve", "looks right"))

    group.refresh_from_db()
    assert group.state == MergedGroupState.APPROVED
    assert "looks right" in page
    assert Job.objects.filter(subject=group.run.box_id).exists()


def test_rejects_with_a_reason(browser, group, words):
    page = words(_decide(browser, group, "reject", "too close to the target"))

    group.refresh_from_db()
    assert group.state == MergedGroupState.REJECTED
    assert "too close to the target" in page


def test_reverts_an_approved_group(browser, group):
    _decide(browser, group, "approve")
    _decide(browser, group, "revert")

    group.refresh_from_db()
    assert group.state == MergedGroupState.REVERTED


def test_approves_a_reverted_group_again(browser, group, words):
    _decide(browser, group, "approve")
    page = words(_decide(browser, group, "revert", "pressed in error"))
    assert "Reverted: north gate runs the originals of these 2 models" in page
    assert "Approve again" in page

    page = words(_decide(browser, group, "approve", "ran well"))
    assert "Reverting changes 1 box: north gate switches back" in page
    assert "every query keeps its accuracy target" in page
    group.refresh_from_db()
    assert group.state == MergedGroupState.APPROVED
    assert [decision.verdict for decision in group.decisions.all()] == ["approve", "revert", "approve"]
    assert [one.until for one in savings(None, timezone.now())] == [None]
    assert {one.member.group_id for one in running_members()} == {group.id}


def test_a_reverted_group_whose_queries_have_changed_is_not_approved_again(browser, fleet, group, words):
    _decide(browser, group, "approve")
    _decide(browser, group, "revert")
    group.members.first().query.delete()

    assert "The queries of this merged group have changed since" in words(_decide(browser, group, "approve"))
    group.refresh_from_db()
    assert group.state == MergedGroupState.REVERTED


def test_says_how_many_further_boxes_keep_a_group_that_is_reverted(browser, fleet, group, words):
    rollout = fleet.rollout(group, "waiting", "waiting")
    for row in rollout.boxes.all():
        for member in group.members.all():
            query = Query.objects.get(camera__box=row.box, name=member.name)
            PlacedMember.objects.create(box=row.box, member=member, query=query, placed_at=timezone.now())

    page = words(browser.get(reverse("merges:group-detail", args=[group.id])))
    assert "2 further boxes that rollouts brought it to keep it" in page


def test_says_when_somebody_else_was_faster_and_changes_nothing(browser, group, words):
    MergedGroup.objects.update(state=MergedGroupState.REJECTED)

    page = words(_decide(browser, group, "approve"))
    assert "is rejected by now, so nothing was changed" in page
    assert not Decision.objects.exists()


def test_refuses_an_operator(fleet, group, client_of, words):
    page = words(_decide(client_of(fleet.member(Role.OPERATOR)), group, "approve"))

    assert "Only people with the role approver" in page
    group.refresh_from_db()
    assert group.state == MergedGroupState.WAITING


def test_who_may_not_decide_is_shown_no_button(fleet, group, client_of):
    content = client_of(fleet.member(Role.OPERATOR)).get(reverse("merges:group-detail", args=[group.id])).content

    assert b"Waits for somebody with the role approver in harbour" in content
    assert b'value="approve"' not in content


def test_the_requester_reads_why_only_another_approves(fleet, group, client_of, words):
    requester = fleet.member(Role.APPROVER)
    fleet.site.requester_may_approve = False
    fleet.site.save()
    group.run.requested_by = requester
    group.run.save()
    page = client_of(requester).get(reverse("merges:group-detail", args=[group.id]))

    assert "You requested this merge. In this site the person who requested a merge may not approve it" in words(page)
    assert 'value="approve" disabled' in page.content.decode()
    assert "ask another approver" in words(_decide(client_of(requester), group, "approve"))
    group.refresh_from_db()
    assert group.state == MergedGroupState.WAITING
    assert "Rejected." in words(_decide(client_of(requester), group, "reject"))


@pytest.mark.parametrize("statement", ["UPDATE merges_decision SET reason = 'x'", "DELETE FROM merges_decision"])
def test_the_database_itself_refuses_to_change_a_decision(browser, group, statement):
    _decide(browser, group, "approve", "looks right")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert Decision.objects.get().reason == "looks right"


def test_shows_frames_on_which_the_models_disagree_beside_each_other(browser, fleet, group, words):
    shown = fleet.disagreement(group.members.get(name="count cars"))
    response = browser.get(reverse("merges:group-detail", args=[group.id]))

    assert "count cars : on 3 of 120 judged frames ( 2.5 % ) the merged model answers otherwise" in words(response)
    assert 'The original says "car" (90 % sure), the merged model "bus" (90 % sure).' in words(response)
    picture = reverse("merges:disagreement-picture", args=[group.id, shown.id])
    assert response.content.decode().count(f'src="{picture}"') == 2
    assert browser.get(picture)["Content-Type"] == "image/jpeg"


def test_a_frame_that_may_not_be_seen_is_told_of_without_its_picture(browser, fleet, group, words):
    shown = fleet.disagreement(group.members.get(name="count cars"))
    fleet.camera.privacy = "off"
    fleet.camera.save()
    response = browser.get(reverse("merges:group-detail", args=[group.id]))

    assert "the privacy of entry lets no picture be shown" in words(response)
    assert '<img src="/merged-groups' not in response.content.decode()
    assert browser.get(reverse("merges:disagreement-picture", args=[group.id, shown.id])).status_code == 404


def test_a_run_that_told_nothing_of_frames_says_so(browser, group, words):
    page = words(browser.get(reverse("merges:group-detail", args=[group.id])))
    assert "This merge run told nothing about single frames." in page


def test_lists_in_words_what_the_picture_of_sharing_shows(browser, group, words):
    page = words(browser.get(reverse("merges:group-detail", args=[group.id])))
    assert "The 1 shared layers as a table" not in page
    assert "count cars: features.0 count trucks: features.0 5.0 MiB 5.0 MiB" in page


def test_counts_what_waits_in_the_side_bar(browser, group, words):
    assert "Merged groups 1" in words(browser.get(reverse("dashboard:overview")))


def test_shows_what_the_box_measured_before_and_after_the_approval(browser, fleet, group, words):
    query = group.members.first().query
    now = timezone.now()
    for second in range(20):
        _measure(fleet.box, query, 1, 80 * MIB, 4, now - timedelta(seconds=100 - second))
    _decide(browser, group, "approve")
    detail = reverse("merges:group-detail", args=[group.id])
    assert "figures appear after a few seconds" in words(browser.get(detail))

    for second in range(20):
        _measure(fleet.box, query, 2, 50 * MIB, 1, now + timedelta(seconds=10 + second))
    page = words(browser.get(detail))
    assert "Memory used, mean 80.0 MiB 50.0 MiB" in page
    assert "Lost frames of captured 40.0 % 10.0 %" in page
    assert "Swaps per minute 240.0 60.0" in page
