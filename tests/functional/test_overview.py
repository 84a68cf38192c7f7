"""A person sees on the overview what stands on the pages it counts up."""

import time

import pytest
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.messages import MemorySample, QuerySample, Stats
from webapp.dashboard.rows import box_rows, query_rows
from webapp.dashboard.selectors import queries_below
from webapp.dashboard.views import NEEDS_SHOWN
from webapp.fleets.models import Box, Camera
from webapp.merges.models import RELATIVE_ACCURACY, MergedGroupState
from webapp.telemetry.selectors import newest_sample_ids
from webapp.telemetry.services import stats_record

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


def test_a_query_is_below_its_target_on_the_overview_where_its_row_says_so(fleet, person, measured):
    rows = query_rows(person, {row.box.id: row for row in box_rows([fleet.box], timezone.now())})
    below = set(queries_below(person, newest_sample_ids([fleet.box])))
    assert below == {row.query for row in rows if row.is_below_target}
    assert below == {measured["low"], measured["judged badly"]}


def test_figures_are_of_all_boxes_and_queries(browser, words, measured):
    page = words(browser.get(reverse("dashboard:overview")))
    assert "4 of 6 on labels, else by live agreement" in page
    assert "low agrees with its original on 90.0 % of sampled frames, below its target of 95.0 %." in page
    assert "judged badly was approved to keep 92.0 % of its accuracy on labels" in page


def test_frames_count_of_boxes_that_are_connected(fleet, browser, words, measured):
    Box.objects.update(is_connected=True)
    assert "40 of 50 in the last sample of each box" in words(browser.get(reverse("dashboard:overview")))
    Box.objects.update(is_connected=False)
    assert "0 of 0 in the last sample of each box" in words(browser.get(reverse("dashboard:overview")))


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
