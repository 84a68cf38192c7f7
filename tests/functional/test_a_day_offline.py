"""A box is without its server for a day and is killed meanwhile: all of the day arrives, and its hours are right."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from edge_runtime.agent.outbox import Outbox
from edge_runtime.agent.stats_spool import SpoolLimits, StatsSpool
from edge_runtime.protocol.messages import Ack, MemorySample, QuerySample, Stats, decode_from_box
from webapp.results.models import MinuteCount
from webapp.telemetry import models
from webapp.telemetry.models import Resolution
from webapp.telemetry.selectors import box_rollups, query_rollups
from webapp.telemetry.services import Arrived, rollups_update, stats_record_all

# So that the day is over in some seconds; `make bench-ingest ARGS=--day` sends one of 86,400 samples.
INTERVAL_S = 20
DAY = 86_400 // INTERVAL_S
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class OfflineBox:
    """The outbox and the spool of a real box, with a clock that jumps to the next sample at once."""

    def __init__(self, folder: Any, query: Any, limits: SpoolLimits | None = None) -> None:
        self.path, self.query, self.limits = folder / "statistics.sqlite", str(query.id), limits or SpoolLimits()
        self.boot()

    def boot(self) -> None:
        self.boot_id, self.seq, self.outbox = uuid.uuid4().hex, 0, Outbox()
        self.spool = StatsSpool(self.path, self.limits)
        newest = self.spool.open()
        assert newest is not None
        self.outbox.resume(newest)

    def measure(self, at: datetime) -> None:
        self.seq += 1
        memory = MemorySample(100, 45, 0, 10, 5, 40, 500)
        part = QuerySample(self.query, 50, 40, 10, 0, 20.0, 50.0, 1, 4.0, 0.9, 5, {"car": 0.5}, {"car": 1})
        stats = Stats(self.boot_id, self.seq, at.timestamp(), INTERVAL_S, 1, memory, (part,), (), 10.0)
        self.outbox.add_stats(msgspec.structs.replace(stats, samples_dropped=self.spool.dropped))

    def look(self, *, is_last: bool = False) -> None:
        work = self.outbox.disk_work(is_last=is_last)
        self.outbox.disk_done(work, self.spool.carry_out(work))

    def upload(self, box: Any, now: datetime) -> int:
        """To the server's service, as the connection does it. Returns how many batches it took."""
        self.outbox.connected()
        batches = 0
        while True:
            self.look()
            messages = [decode_from_box(message) for message in self.outbox.take()]
            if not messages:
                return batches
            batches += 1
            recorded = stats_record_all(arrived=[Arrived(box.id, message) for message in messages], now=now)
            assert len(recorded.new) == len(messages)
            for boot_id in dict.fromkeys(message.boot_id for message in messages):
                last = max(message.seq for message in messages if message.boot_id == boot_id)
                self.outbox.acknowledge(Ack(boot_id, last))


def test_a_day_that_was_spent_offline_arrives_whole_and_once(fleet: Any, tmp_path: Any) -> None:
    query = fleet.query("cars")
    box = OfflineBox(tmp_path, query)
    start = NOON - timedelta(days=1)
    for number in range(1, DAY + 1):
        box.measure(start + timedelta(seconds=INTERVAL_S * number))
        if number % 300 == 0:
            box.look(is_last=True)
        if number == DAY // 2:
            box.boot()  # killed: what is on disk is all there is
    box.look(is_last=True)
    lost = DAY // 2 % 300
    assert (box.spool.waiting, box.outbox.in_memory) == (DAY - lost, 0)
    now = NOON + timedelta(seconds=5)
    assert box.upload(fleet.box, now) > 25
    assert (box.spool.waiting, box.outbox.in_memory, box.spool.dropped) == (0, 0, 0)
    assert models.BoxSample.objects.count() == models.QuerySample.objects.count() == DAY - lost

    rollups_update(now=now + timedelta(minutes=2))
    assert not models.RollupDue.objects.exists()
    hours = list(box_rollups(fleet.box, Resolution.HOUR, start))
    assert sum(hour.seconds for hour in hours) == (DAY - lost) * INTERVAL_S
    whole = [hour for hour in hours if hour.seconds == 3600]
    assert len(whole) == 21  # 24, less the first, which lacks its first sample, and two that the kill took some of
    assert {(hour.memory_free, hour.memory_used_max, hour.cpu_percent) for hour in whole} == {(40, 60, 10.0)}
    frames = list(query_rollups(query, Resolution.HOUR, start))
    assert sum(hour.captured for hour in frames) == 50 * (DAY - lost)
    assert sum(count.frames for count in MinuteCount.objects.all()) == 40 * (DAY - lost)
    assert sum(count.appeared["car"] for count in MinuteCount.objects.all()) == DAY - lost


def test_what_did_not_fit_is_counted_and_the_page_says_so(
    fleet: Any, tmp_path: Any, browser: Client, words: Callable[[HttpResponse], str]
) -> None:
    now = timezone.now()
    box = OfflineBox(tmp_path, fleet.query("cars"), SpoolLimits(seconds=1000 * INTERVAL_S))
    page = reverse("dashboard:box-detail", args=[fleet.box.id])
    for number in range(2000, 0, -1):
        box.measure(now - timedelta(seconds=INTERVAL_S * number))
        if number % 100 == 0:
            box.look(is_last=True)
    box.look(is_last=True)
    box.measure(now)
    box.upload(fleet.box, now)
    assert box.spool.dropped == 1000
    assert models.BoxSample.objects.count() == 1001
    shown = words(browser.get(page))
    assert "1,000 of its samples were lost in the last 24 hours" in shown
    answer = browser.get(f"/api/v1/statistics/boxes/{fleet.box.id}/").json()
    assert answer[-1]["samples_dropped"] == 1000


def test_a_clock_that_jumps_a_day_leaves_the_order_and_nothing_in_the_far_future(fleet: Any, tmp_path: Any) -> None:
    box = OfflineBox(tmp_path, fleet.query("cars"))
    for second in range(10):
        box.measure(NOON + timedelta(seconds=second))
    for second in range(10, 20):
        box.measure(NOON + timedelta(days=1, seconds=second))
    for second in range(20, 30):
        box.measure(NOON - timedelta(days=1) + timedelta(seconds=second))
    box.measure(NOON + timedelta(seconds=30))
    box.look(is_last=True)
    now = NOON + timedelta(seconds=31)
    box.upload(fleet.box, now)
    samples = list(models.BoxSample.objects.order_by("id").values_list("seq", "at"))
    assert [seq for seq, _ in samples] == list(range(1, 32))
    assert max(at for _, at in samples) <= now + timedelta(minutes=1)
    rollups_update(now=now + timedelta(minutes=5))
    hours = box_rollups(fleet.box, Resolution.HOUR, NOON - timedelta(days=2))
    assert sum(hour.seconds for hour in hours) == 31 * INTERVAL_S
