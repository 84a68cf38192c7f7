"""The small lines beside each query of a box, in a real browser: the last hour as stored, then live."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.dashboard.charts import MEMORY_BANDS
from webapp.dashboard.history import query_hours
from webapp.telemetry.models import BoxRollup, QueryRollup

playwright_api = pytest.importorskip("playwright.sync_api")

NO_MEMORY = dict.fromkeys((*(f"memory_{band}" for band in (*MEMORY_BANDS, "budget", "used_max")), "cpu_percent"), 0)
SEND = """([topic, at, query]) => {
  const sample = { query, processed: 9, captured: 9, dropped: 0, late: 0, swaps: 0,
    latency_p50_ms: 50, latency_p95_ms: 450, agreement: null };
  const detail = { stats: { at, interval_s: 1, queries: [sample] } };
  for (const element of document.querySelectorAll(`[data-widget="query-sparks"][data-live~="${topic}"]`))
    element.dispatchEvent(new CustomEvent("live:stats", { detail }));
}"""


@pytest.fixture
def query(fleet: Any) -> Any:
    """Measured for half of each of two minutes, five and four minutes ago, with 4 and 5 frames a second."""
    query = fleet.query("count cars")
    now = timezone.now().replace(second=0, microsecond=0)
    for ago, processed in ((5, 120), (4, 150)):
        minute = {"box": fleet.box, "resolution": "minute", "start": now - timedelta(minutes=ago)}
        BoxRollup.objects.create(**minute, seconds=30, **NO_MEMORY)
        QueryRollup.objects.create(
            **minute,
            query_id=query.id,
            captured=150,
            processed=processed,
            dropped=0,
            late=0,
            swaps=0,
            swap_ms=0,
            latency_p50_ms=40,
            latency_p95_ms=90,
        )
    return query


def test_the_minute_that_is_going_on_is_left_to_the_live_statistics(fleet: Any, query: Any) -> None:
    newest = QueryRollup.objects.latest("start").start

    def rates(now: Any) -> list[float]:
        return [minute["fps"] for minute in query_hours(fleet.box, now)["queries"][str(query.id)]]

    assert rates(newest + timedelta(seconds=59)) == [4.0]
    assert rates(newest + timedelta(seconds=60)) == [4.0, 5.0]


def test_draws_and_says_the_last_hour_and_goes_on_live(fleet: Any, query: Any, open_page: Any) -> None:
    page = open_page(reverse("dashboard:box-detail", args=[fleet.box.id]))
    row = page.locator(f'tr[data-query="{query.id}"]')
    frames, latency = (row.locator(f'[data-spark="{kind}"]') for kind in ("fps", "latency"))
    said = "Processed in the last hour: 4.0 frames/s to 5.0 frames/s; asked 5.0 frames/s"
    playwright_api.expect(frames).to_have_attribute("aria-label", said)
    words = f"Latency, median and 95th percentile in the last hour: 40 ms to 90 ms; deadline {query.deadline_ms} ms"
    assert latency.get_attribute("aria-label") == words
    before = frames.bounding_box()
    assert frames.locator("path").get_attribute("d").count("L") == 1

    page.evaluate(SEND, [f"box:{fleet.box.id}", timezone.now().timestamp(), str(query.id)])
    assert "4.0 frames/s to 9.0 frames/s" in frames.get_attribute("aria-label")
    assert "40 ms to 450 ms" in latency.get_attribute("aria-label")
    assert frames.bounding_box() == before
    agreement = row.locator('[data-spark="agreement"]').get_attribute("aria-label")
    assert agreement == "Agreement with its original in the last hour: nothing measured; target 95.0 %"
