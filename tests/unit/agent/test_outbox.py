"""What waits for the server: kept until acknowledged, in memory or on disk, bounded, sent again after a break."""

import sqlite3
import uuid

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.agent.outbox import WINDOW, Outbox
from edge_runtime.agent.stats_spool import DiskDone, SpoolLimits, StatsSpool
from edge_runtime.protocol.messages import Ack, MemorySample, Report, Stats
from tests.simulators.disks import Disk

MEMORY = MemorySample(budget=1, private=0, shared=0, activations=0, overhead=0, free=1, rss=0)


def stats(seq, boot_id="boot"):
    return Stats(boot_id, seq, at=float(seq), interval_s=1.0, bundle_version=1, memory=MEMORY, queries=())


def taken(outbox):
    """(boot, number) of the statistics that would go out now."""
    messages = [msgspec.json.decode(message) for message in outbox.take() if isinstance(message, str)]
    return [(message["boot_id"], message["seq"]) for message in messages if message["type"] == "stats"]


def sent(outbox):
    return [seq for _, seq in taken(outbox)]


def filled(count, **options):
    outbox = Outbox(**options)
    for seq in range(1, count + 1):
        outbox.add_stats(stats(seq))
    return outbox


def disk_step(outbox, spool, *, is_last=False):
    work = outbox.disk_work(is_last=is_last)
    outbox.disk_done(work, spool.carry_out(work))


@pytest.fixture
def disk():
    return Disk()


@pytest.fixture
def spool(tmp_path, disk):
    spool = StatsSpool(tmp_path / "statistics.sqlite", connect=disk.connect)
    spool.open()
    return spool


def test_each_is_sent_once_while_connected():
    outbox = filled(3)
    outbox.connected()
    assert sent(outbox) == [1, 2, 3]
    assert sent(outbox) == []
    outbox.add_stats(stats(4))
    assert sent(outbox) == [4]


def test_after_a_break_the_unacknowledged_go_out_again():
    outbox = filled(3)
    outbox.connected()
    sent(outbox)
    outbox.acknowledge(Ack("boot", 2))
    outbox.disconnected()
    outbox.connected()
    assert sent(outbox) == [3]


def test_where_no_disk_takes_them_the_oldest_are_dropped_and_counted():
    outbox = filled(5, memory_kept=3)
    assert (outbox.dropped, outbox.in_memory) == (2, 3)
    outbox.connected()
    assert sent(outbox) == [3, 4, 5]
    outbox.add_stats(stats(6))
    assert sent(outbox) == [6]
    assert (outbox.take_dropped(), outbox.take_dropped()) == (2, 0)


def test_a_backlog_goes_out_window_by_window():
    outbox = filled(WINDOW + 10)
    outbox.connected()
    assert len(sent(outbox)) == WINDOW
    outbox.acknowledge(Ack("boot", 5))
    assert sent(outbox) == [WINDOW + 1 + offset for offset in range(5)]


def test_an_acknowledgement_of_an_earlier_boot_means_nothing():
    outbox = filled(2)
    outbox.connected()
    sent(outbox)
    outbox.acknowledge(Ack("earlier", 2))
    assert outbox.in_memory == 2


def test_while_the_server_answers_the_disk_is_left_alone(spool, disk):
    outbox = Outbox()
    outbox.connected()
    for seq in range(1, 50):
        outbox.add_stats(stats(seq))
        sent(outbox)
        outbox.acknowledge(Ack("boot", seq - 1))  # the newest is always on its way
        disk_step(outbox, spool)
    assert disk.commits == 0


def test_what_waits_comes_to_the_disk_with_the_second_look_and_leaves_memory(spool):
    outbox = filled(3)
    disk_step(outbox, spool)
    assert (outbox.in_memory, spool.waiting) == (3, 0)
    outbox.add_stats(stats(4))
    disk_step(outbox, spool)
    assert (outbox.in_memory, spool.waiting) == (0, 4)


def test_what_was_on_disk_is_sent_before_what_came_later_and_is_removed_once_acknowledged(spool):
    outbox = filled(WINDOW + 3)
    disk_step(outbox, spool, is_last=True)
    outbox.add_stats(stats(WINDOW + 4))
    outbox.connected()
    assert sent(outbox) == []
    assert outbox.disk_wanted.is_set()
    disk_step(outbox, spool)
    assert sent(outbox) == list(range(1, WINDOW + 1))
    outbox.acknowledge(Ack("boot", WINDOW))
    disk_step(outbox, spool)
    assert sent(outbox) == [WINDOW + 1, WINDOW + 2, WINDOW + 3]
    assert outbox.disk_wanted.is_set()  # the fourth came to the disk meanwhile
    disk_step(outbox, spool)
    assert sent(outbox) == [WINDOW + 4]
    outbox.acknowledge(Ack("boot", WINDOW + 4))
    disk_step(outbox, spool)
    assert (outbox.in_memory, spool.waiting) == (0, 0)


def test_an_earlier_boot_is_sent_first_also_where_its_disk_is_found_late(tmp_path):
    path = tmp_path / "statistics.sqlite"
    earlier = StatsSpool(path)
    earlier.open()
    disk_step(filled(2), earlier, is_last=True)
    outbox, spool = Outbox(), StatsSpool(path)
    outbox.connected()
    for seq in (1, 2):
        outbox.add_stats(stats(seq, "later"))
    assert taken(outbox) == [("later", 1), ("later", 2)]
    outbox.acknowledge(Ack("later", 1))
    outbox.resume(spool.open())
    disk_step(outbox, spool)
    assert taken(outbox) == [("boot", 1), ("boot", 2), ("later", 2)]  # the last one is known by its number


def test_a_lost_file_costs_no_sample_that_memory_still_holds(spool):
    outbox = filled(WINDOW + 5)
    disk_step(outbox, spool, is_last=True)
    outbox.connected()
    disk_step(outbox, spool)
    outbox.add_stats(stats(WINDOW + 6))
    sent(outbox)
    outbox.disk_done(outbox.disk_work(), DiskDone(is_lost=True))
    outbox.disconnected()
    outbox.connected()
    again = sent(outbox)
    outbox.acknowledge(Ack("boot", again[-1]))
    assert again + sent(outbox) == [*range(1, WINDOW + 1), WINDOW + 6]


def test_a_report_goes_out_when_it_changes_and_with_every_connection():
    outbox = Outbox()
    report = Report("running", "", "digest", 1)
    assert outbox.set_report(report)
    assert not outbox.set_report(report)
    outbox.connected()
    assert len(outbox.take()) == 1
    assert outbox.take() == []
    outbox.connected()
    assert len(outbox.take()) == 1


def test_previews_are_kept_only_while_connected():
    outbox = Outbox()
    outbox.add_preview(b"old")
    outbox.connected()
    outbox.add_preview(b"new")
    assert outbox.take() == [b"new"]
    outbox.add_preview(b"unsent")
    outbox.disconnected()
    outbox.connected()
    assert outbox.take() == []


class World:
    """A box with a disk that outlives it, and a server that keeps what it is sent."""

    def __init__(self, seconds_kept):
        self.memory = f"file:{uuid.uuid4()}?mode=memory&cache=shared"
        self.disk = sqlite3.connect(self.memory, uri=True)  # there for as long as somebody holds it
        self.limits = SpoolLimits(seconds=seconds_kept)
        self.received, self.added, self.cut_off, self.dropped_before = [], [], set(), 0
        self.boots = 0
        self.boot()

    def boot(self):
        self.boots += 1
        self.spool = StatsSpool(_NowhereOnDisk(), self.limits, connect=self.connect)
        self.outbox, self.seq = Outbox(), 0
        self.outbox.resume(self.spool.open())

    def connect(self, path, **options):
        return sqlite3.connect(self.memory, uri=True, **options)

    def add(self):
        self.seq += 1
        self.added.append((self.boots, self.seq))
        self.outbox.add_stats(stats(self.seq, str(self.boots)))

    def take(self):
        self.received += [(int(boot), seq) for boot, seq in taken(self.outbox)]

    def acknowledge(self):
        if self.received:
            boot, seq = self.received[-1]
            for earlier in range(1, boot):
                self.outbox.acknowledge(Ack(str(earlier), 10**6))
            self.outbox.acknowledge(Ack(str(boot), seq))

    def break_off(self):
        self.outbox.disconnected()
        self.outbox.connected()

    def look(self):
        disk_step(self.outbox, self.spool)

    def lose_power(self):
        here = (*self.outbox._ready, *self.outbox._newest)
        self.cut_off |= {(int(sample.stats.boot_id), sample.stats.seq) for sample in here}
        self.spool.close()
        self.boot()

    def settle(self):
        self.outbox.connected()
        for _ in range(50):
            self.take()
            self.acknowledge()
            self.look()


class _NowhereOnDisk:
    def touch(self, mode):
        pass


ACTS = ["add", "add", "add", "take", "acknowledge", "break_off", "look", "look", "lose_power"]


@given(st.lists(st.sampled_from(ACTS), max_size=80), st.integers(2, 60))
def test_whatever_happens_every_sample_arrives_in_order_or_is_counted(acts, kept):
    world = World(float(kept))
    for act in acts:
        getattr(world, act)()
    world.settle()
    arrived = list(dict.fromkeys(world.received))
    assert arrived == sorted(arrived)
    missing = set(world.added) - set(arrived) - world.cut_off
    assert len(missing) <= world.spool.dropped
    assert (world.outbox.in_memory, world.spool.waiting) == (0, 0)
    if len(world.added) <= kept:
        assert world.spool.dropped == 0
        assert not missing
