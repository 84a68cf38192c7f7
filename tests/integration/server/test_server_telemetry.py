"""Statistics: stored once, only a box's own, and summed per bundle version."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from edge_runtime.protocol.messages import (
    AcceleratorSample,
    CameraSample,
    HostSample,
    MemorySample,
    QuerySample,
    Stats,
    decode_from_box,
)
from webapp.fleets.models import Box
from webapp.telemetry import models
from webapp.telemetry.policies import StatsUnusable
from webapp.telemetry.selectors import bundle_figures, latest_hardware, latest_sample, latest_samples
from webapp.telemetry.services import Arrived, samples_prune, stats_record, stats_record_all

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MEMORY = MemorySample(budget=100, private=40, shared=20, activations=10, overhead=5, free=25, rss=500)


def stats(
    seq: int, *queries: QuerySample, version: int = 1, memory: MemorySample = MEMORY, boot: str = "boot"
) -> Stats:
    at = (NOW + timedelta(seconds=seq)).timestamp()
    return Stats(boot, seq, at, 1.0, version, memory, queries, (), 12.5)


def sample(query: Any, captured: int = 10, processed: int = 6, dropped: int = 3, late: int = 1) -> QuerySample:
    return QuerySample(str(query), captured, processed, dropped, late, 20.0, 40.0, 2, 8.0, 0.9, 5, {"car": 1.5})


def counting(appeared: dict[str, int]) -> QuerySample:
    return msgspec.structs.replace(sample("x"), appeared=appeared)


def record(box: Box, message: Stats) -> bool:
    return stats_record(box=box, stats=message, now=NOW + timedelta(seconds=message.seq))


def test_a_message_sent_again_is_stored_once(fleet: Any) -> None:
    query = fleet.query()
    assert record(fleet.box, stats(1, sample(query.id)))
    assert not record(fleet.box, stats(1, sample(query.id)))
    assert record(fleet.box, stats(1, sample(query.id), boot="after a restart"))
    assert (models.BoxSample.objects.count(), models.QuerySample.objects.count()) == (2, 2)


def test_what_is_copied_into_the_database_is_what_was_sent(fleet: Any) -> None:
    awkward = {r'back\slash, \t, \N and "quoted"': 2, "Größe 车": 1}
    first, second = fleet.query(), fleet.query("trucks")
    silent = msgspec.structs.replace(sample(second.id), latency_p50_ms=None, latency_p95_ms=None, agreement=None)
    record(fleet.box, stats(1, msgspec.structs.replace(sample(first.id), appeared=awkward), silent))
    one, other = (models.QuerySample.objects.get(query_id=query.id) for query in (first, second))
    assert (one.appeared, one.counts, one.at) == (awkward, {"car": 1.5}, NOW + timedelta(seconds=1))
    assert (other.latency_p50_ms, other.agreement, other.swap_ms) == (None, None, 8.0)


GPU = AcceleratorSample("Tesla T4", 37.0, 16_000, 4_000, 58.0, 35.5)
HOST = HostSample(NOW.timestamp(), 40.0, 2**34, 2**33, 2**36, 2**35, 61.5, (GPU,), 3600.0, 17, 21)


def test_the_newest_hardware_is_kept_with_its_age_though_few_samples_tell_of_it(fleet: Any) -> None:
    assert latest_hardware(fleet.box) is None
    record(fleet.box, stats(1))
    assert latest_hardware(fleet.box) is None
    record(fleet.box, msgspec.structs.replace(stats(2), host=HOST))
    record(fleet.box, stats(3))
    hardware = latest_hardware(fleet.box)
    assert hardware is not None
    assert hardware.host == HOST
    assert (hardware.at, hardware.process_cpu_percent) == (NOW + timedelta(seconds=2), 12.5)


def test_a_message_of_an_older_box_has_no_hardware_and_that_of_a_newer_one_is_read(fleet: Any) -> None:
    old = msgspec.to_builtins(stats(1))
    del old["host"]
    new = msgspec.to_builtins(msgspec.structs.replace(stats(2), host=HOST)) | {"since_then": 1}
    new["host"] |= {"humidity": 40}
    for message in (old, new):
        assert record(fleet.box, decode_from_box(msgspec.json.encode(message)))
    hardware = latest_hardware(fleet.box)
    assert hardware is not None
    assert hardware.host == HOST


def test_samples_of_queries_of_another_box_are_left_out(fleet: Any, make_fleet: Any) -> None:
    foreign = make_fleet("airport").query()
    assert record(fleet.box, stats(1, sample(foreign.id), sample("no id")))
    assert not models.QuerySample.objects.exists()


@pytest.mark.parametrize(
    "broken",
    [
        stats(1, memory=MemorySample(100, -40, 20, 10, 5, 25, 500)),
        stats(1, sample("x", captured=-1)),
        stats(1, sample("x", captured=2**31)),
        stats(1, counting({"car\0": 1})),
        stats(1, counting({"car": -1})),
        stats(1, counting({f"class {index}": 1 for index in range(1001)})),
        stats(1, boot="b" * 41),
        stats(1, boot="b\0"),
        msgspec.structs.replace(stats(1), cameras=(CameraSample("c", "failed", 0.0, "\0"),)),
        msgspec.structs.replace(stats(1), host=msgspec.structs.replace(HOST, disk_free_bytes=-1)),
        msgspec.structs.replace(stats(1), host=msgspec.structs.replace(HOST, temperature_c=-1e9)),
        msgspec.structs.replace(stats(1), host=msgspec.structs.replace(HOST, accelerators=(GPU,) * 17)),
        msgspec.structs.replace(stats(1), host=msgspec.structs.replace(HOST, accelerators=(AcceleratorSample("\0"),))),
        stats(-1),
    ],
)
def test_numbers_that_no_box_measures_are_refused_and_nothing_is_stored(fleet: Any, broken: Stats) -> None:
    with pytest.raises(StatsUnusable):
        record(fleet.box, broken)
    assert not models.BoxSample.objects.exists()


def test_text_that_the_database_cannot_hold_spoils_no_message_of_another_box(
    fleet: Any, make_fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it not found before, each message is stored by itself."""
    monkeypatch.setattr("webapp.telemetry.services.samples.check_stats", lambda stats: None)
    other = make_fleet("airport")
    arrived = [Arrived(fleet.box.id, stats(1, boot="b\0")), Arrived(other.box.id, stats(1))]

    recorded = stats_record_all(arrived=arrived, now=NOW)

    assert (recorded.new, set(recorded.unusable)) == (frozenset({arrived[1].key}), {arrived[0].key})


def test_a_clock_that_runs_ahead_does_not_hide_later_samples(fleet: Any) -> None:
    ahead = Stats("boot", 1, (NOW + timedelta(days=400)).timestamp(), 1.0, 1, MEMORY, ())
    stats_record(box=fleet.box, stats=ahead, now=NOW)
    assert models.BoxSample.objects.get().at == NOW + timedelta(minutes=1)


def test_figures_per_bundle_leave_out_the_warm_up_and_add_up_by_hand(fleet: Any) -> None:
    query = fleet.query()
    for seq in range(10):
        record(fleet.box, stats(seq, sample(query.id), version=1))
    merged = MemorySample(budget=100, private=10, shared=20, activations=10, overhead=5, free=55, rss=500)
    for seq in range(10, 17):
        record(fleet.box, stats(seq, sample(query.id, 10, 10, 0, 0), version=2, memory=merged))
    before, after = bundle_figures(fleet.box)
    assert (before.version, before.observed_s, before.memory_used) == (1, 5.0, 75.0)
    assert before.lost_fraction == pytest.approx(0.4)
    assert before.swaps_per_minute == pytest.approx(120.0)
    assert before.processed_fps == pytest.approx(6.0)
    assert before.agreement == pytest.approx(0.9)
    assert (after.version, after.observed_s, after.memory_used, after.lost_fraction) == (2, 2.0, 45.0, 0.0)


def test_the_newest_sample_of_each_box_is_found(fleet: Any, make_fleet: Any) -> None:
    other = make_fleet("airport")
    record(other.box, stats(3))
    for seq in (1, 2):
        record(fleet.box, stats(seq))
    newest = latest_sample(fleet.box)
    assert newest is not None
    assert newest.seq == 2
    assert {box: found.seq for box, found in latest_samples([fleet.box, other.box]).items()} == {
        fleet.box.id: 2,
        other.box.id: 3,
    }


def test_old_samples_are_removed_and_new_ones_stay(fleet: Any) -> None:
    query = fleet.query()
    record(fleet.box, stats(0, sample(query.id)))
    record(fleet.box, stats(100, sample(query.id)))
    assert samples_prune(now=NOW + timedelta(days=7, seconds=50)) == 1
    assert models.QuerySample.objects.get().at == NOW + timedelta(seconds=100)


def test_an_old_sample_that_came_after_newer_ones_is_removed_as_well(fleet: Any) -> None:
    query = fleet.query()
    for seq in (100, 120, 0, 1, 140):
        record(fleet.box, stats(seq, sample(query.id)))
    assert samples_prune(now=NOW + timedelta(days=7, seconds=50)) == 2
    assert sorted(models.BoxSample.objects.values_list("seq", flat=True)) == [100, 120, 140]
    assert models.QuerySample.objects.count() == 3
    assert samples_prune(now=NOW + timedelta(days=7, seconds=50)) == 0
