"""Statistics on disk: whole, in order, bounded, and what a bad disk costs is said."""

import sqlite3

import pytest

from edge_runtime.agent.stats_spool import DiskWork, Numbered, SpoolLimits, StatsSpool
from edge_runtime.protocol.messages import MemorySample, Stats
from tests.simulators.disks import Disk

MEMORY = MemorySample(budget=1, private=0, shared=0, activations=0, overhead=0, free=1, rss=0)
DAY = 86_400.0


def stats(seq, boot_id="boot", at=None):
    return Stats(boot_id, seq, float(seq) if at is None else at, 1.0, 1, MEMORY, ())


def numbered(*numbers):
    return tuple(Numbered(number, stats(number)) for number in numbers)


def loaded(spool, after=0):
    return [sample.number for sample in spool.carry_out(DiskWork(load_after=after, load_limit=10_000)).loaded]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "statistics.sqlite"


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def spool(path, disk):
    spool = StatsSpool(path, connect=disk.connect)
    assert spool.open() == 0
    return spool


def test_what_is_kept_is_there_after_a_restart_whole_and_in_order(path, spool):
    spool.carry_out(DiskWork(keep=numbered(1, 2, 3)))
    again = StatsSpool(path)  # the first was not closed: its process was killed
    assert (again.open(), again.waiting) == (3, 3)
    done = again.carry_out(DiskWork(load_limit=2))
    assert ([sample.stats for sample in done.loaded], done.loaded_to) == ([stats(1), stats(2)], 2)
    done = again.carry_out(DiskWork(load_after=2, load_limit=2))
    assert ([sample.stats for sample in done.loaded], done.loaded_to) == ([stats(3)], 0)
    assert path.stat().st_mode & 0o077 == 0


def test_what_was_acknowledged_is_gone(path, spool):
    assert spool.carry_out(DiskWork(keep=numbered(*range(1, 6)))).is_kept
    assert spool.carry_out(DiskWork(remove_to=3)).is_removed
    assert (loaded(spool), spool.waiting, spool.dropped) == ([4, 5], 2, 0)


def test_of_too_many_bytes_the_oldest_go_and_are_counted_over_restarts(path):
    spool = StatsSpool(path, SpoolLimits(size_bytes=1000))
    spool.open()
    for number in range(1, 21):
        spool.carry_out(DiskWork(keep=numbered(number)))
    kept = loaded(spool)
    assert kept == list(range(21 - len(kept), 21))
    assert spool.dropped == 20 - len(kept) > 0
    spool.close()
    again = StatsSpool(path)
    again.open()
    assert again.dropped == spool.dropped


def test_of_more_than_a_time_the_oldest_go_by_what_was_measured_and_not_by_the_clock(path):
    """A clock that jumps a day forward and two days back makes nothing old."""
    spool = StatsSpool(path, SpoolLimits(seconds=10.0))
    spool.open()
    times = [0, 1, 2, DAY + 3, DAY + 4, DAY + 5, 6 - DAY, 7 - DAY, 8 - DAY, 9 - DAY, 10 - DAY, 11 - DAY]
    for number, at in enumerate(times, 1):
        spool.carry_out(DiskWork(keep=(Numbered(number, stats(number, at=at)),)))
    assert (loaded(spool), spool.dropped) == (list(range(3, 13)), 2)


def test_what_is_on_its_way_is_not_dropped(path):
    spool = StatsSpool(path, SpoolLimits(seconds=4.0))
    spool.open()
    spool.carry_out(DiskWork(keep=numbered(1, 2, 3, 4)))
    spool.carry_out(DiskWork(keep=numbered(5, 6), protected=2))
    assert (loaded(spool), spool.dropped) == ([1, 2, 5, 6], 2)


def test_a_full_disk_is_said_keeps_what_is_there_and_heals(spool, disk):
    spool.carry_out(DiskWork(keep=numbered(1, 2)))
    disk.trouble = "full"
    assert not spool.carry_out(DiskWork(keep=numbered(3))).is_kept
    assert "disk is full" in spool.warnings()[0]
    assert loaded(spool) == [1, 2]  # what is there can be sent meanwhile
    assert spool.warnings()
    disk.trouble = None
    assert spool.carry_out(DiskWork(keep=numbered(3, 4))).is_kept
    assert (loaded(spool), spool.warnings(), spool.waiting, spool.dropped) == ([1, 2, 3, 4], (), 4, 0)


def test_what_sqlite_itself_calls_full_changes_nothing(path, spool):
    spool.carry_out(DiskWork(keep=numbered(1)))
    pages = spool._database.execute("PRAGMA page_count").fetchone()[0]
    spool._database.execute(f"PRAGMA max_page_count = {pages}")
    assert not spool.carry_out(DiskWork(keep=numbered(*range(2, 200)))).is_kept
    assert (loaded(spool), spool.waiting) == ([1], 1)


def test_a_disk_that_is_away_and_comes_back_is_used_again(spool, disk):
    spool.carry_out(DiskWork(keep=numbered(1)))
    disk.trouble = "gone"
    for _ in range(5):
        assert not spool.carry_out(DiskWork(keep=numbered(2))).is_kept
    disk.trouble = None
    assert spool.carry_out(DiskWork(keep=numbered(2))).is_kept
    assert (loaded(spool), spool.dropped) == ([1, 2], 0)


def test_where_the_disk_cannot_be_used_at_the_start_it_is_tried_again(path, disk):
    before = StatsSpool(path)
    before.open()
    before.carry_out(DiskWork(keep=numbered(1, 2)))
    disk.trouble = "full"
    spool = StatsSpool(path, connect=disk.connect)
    assert spool.open() is None
    assert spool.warnings()
    disk.trouble = None
    assert (spool.open(), spool.warnings(), loaded(spool)) == (2, (), [1, 2])


def test_a_file_that_is_no_database_is_put_aside_and_that_is_said_for_an_hour(path, caplog):
    now = [0.0]
    path.write_bytes(b"this is no database" * 1000)
    spool = StatsSpool(path, clock=lambda: now[0])
    assert spool.open() == 0
    assert "damaged" in spool.warnings()[0]
    assert spool.carry_out(DiskWork(keep=numbered(1))).is_kept
    assert path.with_name("statistics.sqlite.damaged").read_bytes().startswith(b"this is no database")
    now[0] = 3601.0
    assert spool.warnings() == ()


def test_a_file_that_cannot_be_read_is_put_aside_and_what_it_held_is_counted(path, spool, disk):
    spool.carry_out(DiskWork(keep=numbered(1, 2, 3)))
    disk.trouble = "unreadable"
    results = [spool.carry_out(DiskWork(load_limit=10, keep=numbered(4))) for _ in range(3)]
    assert [done.loaded for done in results] == [None, None, None]
    assert [done.is_lost for done in results] == [False, False, True]
    disk.trouble = None
    assert spool.carry_out(DiskWork(keep=numbered(5))).is_kept
    assert (loaded(spool), spool.dropped) == ([5], 3)


def test_one_damaged_sample_costs_that_one(path, spool):
    spool.carry_out(DiskWork(keep=numbered(1, 2, 3)))
    with sqlite3.connect(path) as other:
        other.execute("UPDATE samples SET content = x'00ff' WHERE number = 2")
    assert (loaded(spool), spool.dropped, spool.waiting) == ([1, 3], 1, 2)


def test_the_file_is_small_again_after_a_long_absence(path, spool):
    spool.carry_out(DiskWork(keep=numbered(*range(1, 10_001))))
    spool.carry_out(DiskWork(remove_to=10_000))
    assert path.stat().st_size < 100_000
