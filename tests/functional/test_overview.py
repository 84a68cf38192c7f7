"""A person sees on the overview what stands on the pages it counts up."""

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.messages import MemorySample, QuerySample, Stats
from webapp.alerts.models import Alert, AlertKind
from webapp.dashboard.charts import MEMORY_BANDS
from webapp.dashboard.overview import NEEDS_SHOWN
from webapp.dashboard.rows import box_rows, query_rows
from webapp.dashboard.selectors import queries_below
from webapp.fleets.models import Box, Camera, Role
from webapp.merges.models import RELATIVE_ACCURACY, MergedGroup, MergedGroupState, MergeRun, PlacedMember
from webapp.merges.running import running_members
from webapp.merges.savings import savings
from webapp.merges.selectors import groups_decidable, groups_of_others
from webapp.rollouts.models import BoxReport
from webapp.telemetry.models import BoxRollup, QueryRollup
from webapp.telemetry.selectors import fleet_hours
from webapp.telemetry.services import rollups_update, stats_record
from webapp.workloads.models import Model, Query

NO_MEMORY = dict.fromkeys((*(f"memory_{band}" for band in (*MEMORY_BANDS, "budget", "used_max")), "cpu_percent"), 0)
MEMORY = MemorySample(100, 40, 20, 10, 5, 25, 500)
AGREED = {"low": 0.9, "high": 0.97, "unsampled": None, "judged well": 0.9, "judged badly": 0.97}


@pytest.fixture
def measured(fleet):
    """Queries by name, which sent one sample each a moment ago; labels judged two of them before."""
    queries = {name: fleet.query(name) for name in (*AGREED, "silent")}
    judged = [queries[name] for name in ("judged well", "judged badly", "silent")]
    group = fleet.merged_group(*judged)
    group.state = MergedGroupState.APPROVED
    group.save()
    group.members.update(basis=RELATIVE_ACCURACY)
    group.members.filter(query=queries["judged badly"]).update(validation_accuracy=0.92)
    parts = tuple(
        QuerySample(str(queries[name].id), 10, 8, 1, 1, 20.0, 40.0, 0, 0.0, agreed, 5)
        for name, agreed in AGREED.items()
    )
    stats_record(
        box=fleet.box, stats=Stats("boot", 1, time.time(), 1.0, 1, MEMORY, parts, (), 12.5), now=timezone.now()
    )
    return queries


@pytest.fixture
def brought(fleet, measured):
    """A group of another box that labels judged, brought to "low" and "high" of this one, where its "high" falls."""
    other = fleet.other_box("south gate", "low", "high")
    group = fleet.merged_group(*Query.objects.filter(camera__box=other))
    MergeRun.objects.filter(id=group.run_id).update(box=other)
    group.members.update(basis=RELATIVE_ACCURACY)
    group.members.filter(name="high").update(validation_accuracy=0.92)
    for member in group.members.all():
        at = {"member": member, "query": measured[member.name], "placed_at": timezone.now()}
        PlacedMember.objects.create(box=fleet.box, **at)
    return group


def below_target(fleet, person):
    """By the rows, which is what the overview counts."""
    rows = query_rows(person, {row.box.id: row for row in box_rows([fleet.box], timezone.now())})
    below = {row.query.name for row in rows if row.is_below_target}
    assert {query.name for query in queries_below(person, timezone.now())} == below
    return below


def test_a_query_is_below_its_target_on_the_overview_where_its_row_says_so(fleet, person, measured):
    assert below_target(fleet, person) == {"low", "judged badly"}


def test_what_labels_judged_on_another_box_is_judged_so_where_a_rollout_brought_it(fleet, person, measured, brought):
    assert below_target(fleet, person) == {"high", "judged badly"}
    brought.members.update(basis="agreement")
    assert below_target(fleet, person) == {"low", "judged badly"}


def test_what_was_brought_but_does_not_run_says_nothing_about_a_query(fleet, person, measured, brought):
    other = Model.objects.create(site=fleet.site, name="others", created_at=timezone.now())
    Query.objects.filter(id=measured["high"].id).update(model=other)  # so the group shares nothing there any more
    assert below_target(fleet, person) == {"low", "judged badly"}


def test_figures_are_of_all_boxes_and_queries(browser, words, measured):
    page = words(browser.get(reverse("dashboard:overview")))
    assert "4 of 6 on labels, else by live agreement" in page
    assert "low agrees with its original on 90.0 % of sampled frames, below its target of 95.0 %." in page
    assert "judged badly was approved to keep 92.0 % of its accuracy on labels" in page


def test_a_program_reads_the_same_figures_and_what_needs_somebody(fleet, browser, measured):
    Box.objects.update(last_seen_at=timezone.now() - timedelta(hours=1))

    told = browser.get("/api/v1/overview/").json()

    assert (told["boxes"], told["boxes_well"], told["queries"], told["queries_at_target"]) == (1, 0, 6, 4)
    assert (told["frames_in_time"], told["has_more_needs"]) == (None, False)
    first = told["needs"][0]
    assert (first["severity"], first["address"]) == ("broken", reverse("dashboard:box-detail", args=[fleet.box.id]))
    assert "north gate is offline." in first["sentence"]
    assert {need["severity"] for need in told["needs"][1:]} <= {"wrong", "waiting"}


def test_frames_count_of_the_last_minute_that_is_over(fleet, browser, words, measured):
    overview = reverse("dashboard:overview")
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=1)
    assert "no whole minute was measured lately" in words(browser.get(overview))
    for start, processed in ((minute - timedelta(minutes=1), 3), (minute, 570)):
        frames = {"captured": 600, "processed": processed}
        BoxRollup.objects.create(box=fleet.box, start=start, resolution="minute", seconds=60, **NO_MEMORY, **frames)
    assert "95.0 % 570 of 600 in the last whole minute" in words(browser.get(overview))
    BoxRollup.objects.update(start=F("start") - timedelta(minutes=9))
    assert "no whole minute was measured lately" in words(browser.get(overview))


def lose(fleet, query, *, lost: int, minutes: int) -> None:
    """Of 100 frames in each of the last whole minutes."""
    minute = timezone.now().replace(second=0, microsecond=0)
    for ago in range(1, minutes + 1):
        at = {"box": fleet.box, "resolution": "minute", "start": minute - timedelta(minutes=ago)}
        frames = {"captured": 100, "processed": 100 - lost}
        QueryRollup.objects.create(query_id=query.id, dropped=lost, late=0, swaps=0, swap_ms=0, **at, **frames)
        box, _ = BoxRollup.objects.get_or_create(**at, defaults={"seconds": 60, **NO_MEMORY})
        box.captured, box.processed = box.captured + 100, box.processed + 100 - lost
        box.save()


def hear(fleet) -> None:
    """All is well, says the box."""
    Box.objects.update(is_connected=True, last_seen_at=timezone.now())
    BoxReport.objects.create(box=fleet.box, state="running", reported_at=timezone.now())


def test_a_box_that_loses_many_frames_is_named_and_degraded_though_it_says_that_all_is_well(fleet, browser, words):
    cars, trucks, gone = fleet.query("cars"), fleet.query("trucks"), fleet.query("gone")
    hear(fleet)
    lose(fleet, cars, lost=86, minutes=2)
    lose(fleet, trucks, lost=20, minutes=2)
    lose(fleet, gone, lost=100, minutes=2)
    gone.delete()
    pages = {name: words(browser.get(reverse(f"dashboard:{name}"))) for name in ("overview", "box-list")}
    said = "Query cars lost 86% of its frames within the last 4 minutes. 1 more query loses frames too."
    assert f"north gate: {said} Does it keep up?" in pages["overview"]
    assert "Nothing. All boxes" not in pages["overview"]
    assert f"connected degraded {said}" in pages["box-list"]
    assert said in words(browser.get(reverse("dashboard:box-detail", args=[fleet.box.id])))


def test_a_box_that_loses_frames_is_named_once_while_its_alert_is_open(fleet, browser, words):
    hear(fleet)
    lose(fleet, fleet.query("cars"), lost=86, minutes=2)
    told = {"subject_type": "box", "subject_id": fleet.box.id, "sentence": "north gate: Query cars lost 86%."}
    Alert.objects.create(
        site=fleet.site, kind=AlertKind.FRAMES_LOST, noticed_at=timezone.now(), opened_at=timezone.now(), **told
    )
    page = words(browser.get(reverse("dashboard:overview")))
    assert page.count("Query cars lost 86%") == 1
    assert "Does it keep up?" in page
    QueryRollup.objects.all().delete()
    assert "north gate: Query cars lost 86%. Open alert" in words(browser.get(reverse("dashboard:overview")))


def test_nothing_needs_attention_while_few_frames_are_lost(fleet, browser, words):
    hear(fleet)
    lose(fleet, fleet.query("cars"), lost=9, minutes=3)
    assert "Nothing. All boxes" in words(browser.get(reverse("dashboard:overview")))


def test_frames_lost_in_one_minute_by_all_are_not_called_nothing(fleet, browser, words):
    hear(fleet)
    lose(fleet, fleet.query("cars"), lost=86, minutes=1)
    page = words(browser.get(reverse("dashboard:overview")))
    assert "Frames are being lost: 14.0 % were in time in the last whole minute." in page
    assert "Nothing. All boxes" not in page


def test_a_failing_camera_is_listed_once(fleet, browser, words):
    hear(fleet)
    camera, said = fleet.query("cars").camera, "Yard: There is no file."
    BoxReport.objects.update(state="degraded", sentence=f"It reloads.\n{said}", camera_reasons={str(camera.id): said})
    Camera.objects.filter(id=camera.id).update(name="Yard", probe_problem="There is no file.")
    page = words(browser.get(reverse("dashboard:overview")))
    assert "north gate: It reloads. Open box" in page
    assert page.count("There is no file. Open camera") == 1


def test_memory_saved_counts_boxes_that_got_the_group_by_a_rollout(fleet, browser, person, words):
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))
    page = words(browser.get(reverse("dashboard:overview")))
    assert "no merged group runs now" in page
    assert "Waiting for your decision" in page
    rollout = fleet.rollout(group, "waiting", "waiting")
    page = words(browser.get(reverse("dashboard:overview")))
    assert "5.0 MiB 41.7 % of 12.0 MiB of weights on 1 box" in page
    assert "Waiting for your decision" not in page

    box = rollout.boxes.first().box
    for member in group.members.all():
        query = Query.objects.get(camera__box=box, name=member.name)
        PlacedMember.objects.create(box=box, member=member, query=query, placed_at=timezone.now())
    page = words(browser.get(reverse("dashboard:overview")))
    assert "10.0 MiB 41.7 % of 24.0 MiB of weights on 2 boxes" in page

    other = Model.objects.create(site=fleet.site, name="others", created_at=timezone.now())
    Query.objects.filter(camera__box=box, name="cars").update(model=other)
    assert "5.0 MiB 41.7 % of 12.0 MiB" in words(browser.get(reverse("dashboard:overview")))
    group.run.box.cameras.first().queries.filter(name="cars").update(model=other)
    assert "no merged group runs now" in words(browser.get(reverse("dashboard:overview")))


def test_of_two_groups_that_want_one_query_the_one_that_was_brought_last_counts(fleet):
    cars, trucks = fleet.query("cars"), fleet.query("trucks")
    own = fleet.merged_group(cars, trucks)
    brought = fleet.merged_group(cars, trucks)
    MergedGroup.objects.filter(id=own.id).update(state=MergedGroupState.APPROVED)
    MergedGroup.objects.filter(id=brought.id).update(state=MergedGroupState.APPROVED, bytes_after=1)
    MergedGroup.objects.filter(id=brought.id).update(state=MergedGroupState.REJECTED)  # of another box, say
    for member in brought.members.all():
        PlacedMember.objects.create(box=fleet.box, member=member, query=member.query, placed_at=timezone.now())
    assert [saving.bytes_after for saving in savings(None, timezone.now())] == [1]
    assert {one.member.group_id for one in running_members()} == {brought.id}  # the rule for what boxes run


def test_the_trend_is_of_the_boxes_that_one_sees(fleet, measured, person):
    rollups_update(now=timezone.now() + timedelta(minutes=2))
    now = timezone.now()
    since = now - timedelta(hours=24)
    (hour,) = fleet_hours(Box.objects.filter(id=fleet.box.id), since, now)
    assert (hour.heard_s, hour.captured, hour.processed) == (1.0, 50, 40)
    assert (hour.judged, hour.kept) == (4, 2)
    assert fleet_hours(Box.objects.exclude(id=fleet.box.id), since, now) == []


def test_of_a_box_that_was_well_over_its_last_minute_no_single_bad_second_is_told(fleet, measured, person):
    now = timezone.now() + timedelta(minutes=2)
    rollups_update(now=now)
    before = {query.name for query in queries_below(person, now)}
    BoxRollup.objects.update(kept=F("judged"))
    after = {query.name for query in queries_below(person, now)}
    assert ("low" in before, "low" in after) == (True, False)
    assert "judged badly" in after  # which no agreement can tell


def test_an_open_alert_is_on_the_overview_and_what_it_is_about_is_not_said_twice(fleet, browser, words):
    Box.objects.update(is_connected=False, last_seen_at=timezone.now() - timedelta(hours=2))
    assert "north gate is offline." in words(browser.get(reverse("dashboard:overview")))
    alert = Alert.objects.create(
        site=fleet.site,
        kind=AlertKind.BOX_OFFLINE,
        subject_type="box",
        subject_id=fleet.box.id,
        subject_name="north gate",
        sentence="north gate was last heard two hours ago.",
        noticed_at=timezone.now(),
        opened_at=timezone.now(),
    )
    page = words(browser.get(reverse("dashboard:overview")))
    assert "north gate was last heard two hours ago. Open alert" in page
    assert "north gate is offline." not in page
    alert.acknowledged_at = timezone.now()
    alert.save()
    assert "north gate is offline." in words(browser.get(reverse("dashboard:overview")))


def test_only_whoever_may_decide_is_asked_to(fleet, client_of, words):
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))
    approver, operator = fleet.member(Role.APPROVER), fleet.member(Role.OPERATOR)
    asked, told = "Waiting for your decision", "cars + trucks on north gate waits for a decision."

    def overview_of(person):
        return words(client_of(person).get(reverse("dashboard:overview")))

    assert asked in overview_of(approver)
    assert told not in overview_of(approver)
    assert asked not in overview_of(operator)
    assert told in overview_of(operator)
    group.run.requested_by = approver
    group.run.save()
    fleet.site.requester_may_approve = False
    fleet.site.save()
    assert asked not in overview_of(approver)


def test_the_overview_asks_no_more_of_the_database_for_more_boxes(fleet, browser, django_assert_max_num_queries):
    group = fleet.merged_group(fleet.query("cars"), fleet.query("trucks"))
    address = reverse("dashboard:overview")
    with CaptureQueriesContext(connection) as few:
        browser.get(address)
    fleet.rollout(group, *(["waiting"] * 6))
    with django_assert_max_num_queries(len(few) + 4):  # the rollout has rows of its own
        browser.get(address)


def test_a_fleet_in_trouble_shows_the_most_urgent_and_where_the_rest_is(fleet, browser, words):
    made = (
        Camera(box=fleet.box, name=f"camera {n:02}", source="rtsp://cam/1", probe_problem="It answers nothing.")
        for n in range(NEEDS_SHOWN + 9)
    )
    for camera in made:
        camera.source_kind, camera.created_at = "rtsp", timezone.now()
        camera.save()
    page = words(browser.get(reverse("dashboard:overview")))
    assert page.count("It answers nothing. Open camera") == NEEDS_SHOWN
    assert "These are the most urgent." in page


@pytest.mark.parametrize("may_approve_own", [True, False])
def test_what_waits_is_either_for_oneself_to_decide_or_for_others(fleet, person, may_approve_own):
    approver, viewer = fleet.member(Role.APPROVER), fleet.member(Role.VIEWER)
    fleet.site.requester_may_approve = may_approve_own
    fleet.site.save()
    asked = {None: fleet.merged_group(fleet.query("cars")), approver: fleet.merged_group(fleet.query("trucks"))}
    MergeRun.objects.filter(id=asked[approver].run_id).update(requested_by=approver)
    both = {group.id for group in asked.values()}
    own = {asked[approver].id}
    expected = {viewer: set(), person: both, None: both, approver: both if may_approve_own else both - own}
    for actor, decidable in expected.items():
        assert {group.id for group in groups_decidable(actor)} == decidable, actor
        assert {group.id for group in groups_of_others(actor)} == both - decidable, actor
