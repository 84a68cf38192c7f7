"""A person looks at how a box and a query did over the last hour, day and month."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from edge_runtime.protocol.messages import MemorySample, QuerySample, Stats
from webapp.telemetry.models import BoxRollup, QueryRollup, Resolution
from webapp.telemetry.services import stats_record

PER_ROLLUP = {"captured": 60, "dropped": 3, "late": 1, "swaps": 2, "swap_ms": 9.0}
NOTHING_MORE = {"memory_private": 50, "memory_shared": 0, "memory_activations": 0, "memory_overhead": 10}


def _rollups(box, query, resolution, step, count):
    newest = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for number in range(count):
        at = {"box": box, "resolution": resolution, "start": newest - number * step}
        memory = {"memory_budget": 100, "memory_free": 40, "memory_used_max": 60}
        BoxRollup.objects.create(**at, seconds=60.0, cpu_percent=1.0, **memory, **NOTHING_MORE)
        QueryRollup.objects.create(**at, query_id=query.id, processed=56, agreement=0.97, **PER_ROLLUP)


def stats(query, seq, age_s, resident, swap_ms):
    sample = QuerySample(query, 10, 10, 0, 0, 5.0, 9.0, 1, swap_ms, None, 0, resident=resident)
    at = datetime.now(UTC).timestamp() - age_s
    return Stats("boot", seq, at, 1.0, 1, MemorySample(100, 50, 0, 0, 10, 40, 60), (sample,))


@pytest.fixture
def query(fleet):
    query = fleet.query("count cars")
    _rollups(fleet.box, query, Resolution.HOUR, timedelta(hours=1), 3)
    return query


def test_a_month_of_a_box_is_drawn_by_the_hour(browser, fleet, query):
    points = browser.get(reverse("dashboard:box-memory", args=[fleet.box.id]), {"history": "30d"}).json()
    assert points["free"] == [40, 40, 40]
    assert points["edges"][1] - points["edges"][0] == 30 * 24 * 3600


def test_a_month_of_a_query_is_drawn_by_the_hour(browser, query):
    points = browser.get(reverse("dashboard:query-series", args=[query.id]), {"history": "30d"}).json()
    assert (points["processed"], points["agreement"]) == ([56] * 3, [0.97] * 3)
    assert [dropped + late for dropped, late in zip(points["dropped"], points["late"], strict=True)] == [4] * 3


def test_pages_keep_the_chosen_time_in_their_address(browser, fleet, query, words):
    box = browser.get(reverse("dashboard:box-detail", args=[fleet.box.id]), {"history": "24h"})
    assert "mean of each minute" in words(box)
    page = browser.get(reverse("dashboard:query-detail", args=[query.id]), {"history": "30d", "span": "7d"})
    assert "per hour, last 30 d" in words(page)
    assert 'href="?history=1h&amp;span=7d#statistics"' in page.content.decode()


def test_the_last_hour_says_which_models_were_resident_and_a_day_does_not(browser, fleet, query):
    for age_s, share in ((3500, 0.2), (40, 0.6), (35, 0.8)):
        sent = stats(str(query.id), seq=3600 - age_s, age_s=age_s, resident=share, swap_ms=300.0)
        stats_record(box=fleet.box, stats=sent, now=datetime.now(UTC))
    address = reverse("dashboard:box-detail", args=[fleet.box.id])
    (row,) = browser.get(address, {"history": "1h"}).context["residency"]["queries"]
    assert (row["name"], len(row["resident"])) == ("count cars", 120)
    assert [share for share in row["resident"] if share is not None] == [0.2, pytest.approx(0.7)]
    assert row["stalled"][-2] == pytest.approx(0.6 / 30)
    assert "Which models were resident" not in browser.get(address, {"history": "24h"}).content.decode()


def test_says_how_far_back_charts_go(browser, fleet):
    answer = browser.get(reverse("dashboard:box-detail", args=[fleet.box.id]), {"history": "1y"})
    assert answer.status_code == 400
    assert "Charts go back 10min, 1h, 24h, 30d" in answer.content.decode()


def test_programs_read_the_same_over_the_api(browser, fleet, query):
    asked = {"resolution": "hour", "hours": 720}
    box = browser.get(f"/api/v1/statistics/boxes/{fleet.box.id}/rollups/", asked).json()
    assert [row["memory_free"] for row in box] == [40, 40, 40]
    frames = browser.get(f"/api/v1/statistics/queries/{query.id}/rollups/", asked).json()
    assert [row["processed"] for row in frames] == [56, 56, 56]
    assert browser.get(f"/api/v1/statistics/queries/{query.id}/rollups/", {"hours": 10**6}).status_code == 400
