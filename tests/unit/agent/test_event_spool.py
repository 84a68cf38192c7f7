"""Events on disk: whole, bounded, and never in anybody's way."""

import pytest

from edge_runtime.agent import event_spool
from edge_runtime.agent.event_spool import EventSpool
from edge_runtime.protocol.messages import EventReport
from edge_runtime.protocol.target import Privacy
from tests.simulators.full_disk import FullDisk


def event(number):
    return EventReport(
        f"event-{number}", "q", "gate", "appeared", "car", 100.0 + number, None, 0.9, (0.1, 0.2, 0.3, 0.4)
    )


def taken(spool):
    events = []
    while (spooled := spool.oldest()) is not None:
        events.append(spooled)
        spool.remove(spooled.number)
    return events


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.sqlite"


def test_keeps_order_and_content_over_a_restart(path):
    spool = EventSpool(path)
    spool.add(event(1), b"\xff\xd8picture", Privacy.BLURRED)
    spool.add(event(2), None, Privacy.OFF)
    spool.close()
    again = EventSpool(path)
    assert again.waiting == 2
    first, second = taken(again)
    assert (first.event, first.picture, first.privacy) == (event(1), b"\xff\xd8picture", Privacy.BLURRED)
    assert (second.event, second.picture) == (event(2), None)
    assert again.waiting == 0
    assert path.stat().st_mode & 0o077 == 0


def test_drops_the_oldest_beyond_a_number_and_counts_them(path):
    spool = EventSpool(path, events_kept=3)
    for number in range(5):
        spool.add(event(number), b"x", Privacy.FULL)
    assert spool.dropped == 2
    assert [spooled.event for spooled in taken(spool)] == [event(2), event(3), event(4)]


def test_drops_the_oldest_beyond_a_number_of_bytes(path):
    spool = EventSpool(path, bytes_kept=25_000)
    for number in range(5):
        spool.add(event(number), bytes(10_000), Privacy.FULL)
    assert (spool.dropped, spool.waiting) == (3, 2)
    again = EventSpool(path, bytes_kept=25_000)  # it counts what it finds
    again.add(event(9), bytes(10_000), Privacy.FULL)
    assert (again.dropped, again.waiting) == (1, 2)


def test_one_that_was_dropped_meanwhile_is_gone_already(path):
    spool = EventSpool(path, events_kept=1)
    spool.add(event(1), None, Privacy.FULL)
    old = spool.oldest()
    spool.add(event(2), None, Privacy.FULL)
    spool.remove(old.number)
    assert [spooled.event for spooled in taken(spool)] == [event(2)]


def test_a_damaged_file_is_put_aside(path, caplog):
    path.write_bytes(b"this is no database" * 100)
    spool = EventSpool(path)
    spool.add(event(1), None, Privacy.FULL)
    assert [spooled.event for spooled in taken(spool)] == [event(1)]
    assert path.with_name("events.sqlite.damaged").read_bytes().startswith(b"this is no database")


def test_where_nothing_can_be_written_events_are_lost_and_counted(tmp_path, caplog):
    spool = EventSpool(tmp_path / "nowhere" / "events.sqlite")
    spool.add(event(1), None, Privacy.FULL)
    spool.add(event(2), None, Privacy.FULL)
    assert (spool.dropped, spool.waiting, spool.oldest()) == (2, 0, None)
    assert len(caplog.records) == 1


@pytest.fixture(params=["at once", "at commit"])
def disk(request, monkeypatch):
    disk = FullDisk(at_commit=request.param == "at commit")
    monkeypatch.setattr(event_spool.sqlite3, "connect", disk.connect)
    return disk


def test_a_full_disk_keeps_what_is_there_counts_what_is_lost_and_goes_on_when_there_is_room(path, disk, caplog):
    spool = EventSpool(path)
    spool.add(event(1), b"x", Privacy.FULL)
    disk.is_full = True
    for number in range(2, 5):
        spool.add(event(number), b"x", Privacy.FULL)
        assert spool.oldest().event == event(1)
    assert (spool.waiting, spool.dropped) == (1, 3)

    disk.is_full = False
    spool.add(event(5), b"x", Privacy.FULL)
    assert [spooled.event for spooled in taken(spool)] == [event(1), event(5)]
    assert [record.getMessage() for record in caplog.records] == [
        "Events cannot be kept on disk (database or disk is full); those that cannot are lost. Models run on.",
        "Events are kept on disk again; 3 were lost",
    ]


def test_nothing_counts_as_dropped_for_an_event_that_found_no_room_on_disk_either(path, disk):
    spool = EventSpool(path, events_kept=2)
    for number in range(2):
        spool.add(event(number), b"x", Privacy.FULL)
    disk.is_full = True
    spool.add(event(2), b"x", Privacy.FULL)
    assert (spool.waiting, spool.dropped) == (2, 1)
    disk.is_full = False
    assert [spooled.event for spooled in taken(spool)] == [event(0), event(1)]


def test_what_was_sent_and_a_full_disk_does_not_delete_is_not_sent_again(path, disk):
    spool = EventSpool(path)
    for number in range(3):
        spool.add(event(number), b"x", Privacy.FULL)
    disk.is_full = True
    for number in range(2):
        spooled = spool.oldest()
        assert spooled.event == event(number)
        spool.remove(spooled.number)
    assert spool.waiting == 1
    disk.is_full = False
    spool.add(event(3), b"x", Privacy.FULL)
    assert spool.waiting == 2
    assert [spooled.event for spooled in taken(spool)] == [event(2), event(3)]
    assert EventSpool(path).waiting == 0


def test_a_spool_that_fills_the_disk_makes_room_once_all_of_it_is_sent(path, disk):
    spool = EventSpool(path)
    for number in range(2):
        spool.add(event(number), bytes(100_000), Privacy.FULL)
    disk.is_full = True
    assert len(taken(spool)) == 2
    assert path.stat().st_size < 100_000
    disk.is_full = False
    spool.add(event(2), b"x", Privacy.FULL)
    assert [spooled.event for spooled in taken(spool)] == [event(2)]
