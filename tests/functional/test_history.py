"""A person looks at how a box and a query did over the last hour, day and month."""

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from webapp.telemetry.models import BoxRollup, QueryRollup, Resolution

PER_ROLLUP = {"captured": 60, "dropped": 3, "late": 1, "swaps": 2, "swap_ms": 9.0}
NOTHING_MORE = {"memory_private": 50, "memory_shared": 0, "memory_activations": 0, "memory_overhead": 10}


def _rollups(box, query, resolution, step, count):
    newest = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for number in range(count):
        at = {"box": box, "resolution": resolution, "start": newest - number * step}
        memory = {"memory_budget": 100, "memory_free": 40, "memory_used_max": 60}
        BoxRollup.objects.create(**at, seconds=60.0, cpu_percent=1.0, **memory, **NOTHING_MORE)
        QueryRollup.objects.create(**at, query_id=query.id, processed=56, agreement=0.97, **PER_ROLLUP)


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
    assert (points["processed"], points["lost"], points["agreement"]) == ([56] * 3, [4] * 3, [0.97] * 3)


def test_pages_keep_the_chosen_time_in_their_address(browser, fleet, query, words):
    box = browser.get(reverse("dashboard:box-detail", args=[fleet.box.id]), {"history": "24h"})
    assert "mean of each minute" in words(box)
    page = browser.get(reverse("dashboard:query-detail", args=[query.id]), {"history": "30d", "span": "7d"})
    assert "per hour, last 30 d" in words(page)
    assert 'href="?history=1h&amp;span=7d#statistics"' in page.content.decode()


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
