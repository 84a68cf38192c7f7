"""What waits for the server: kept until acknowledged, bounded, sent again after a break."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.agent.outbox import WINDOW, Outbox
from edge_runtime.protocol.messages import Ack, MemorySample, Report, Stats

MEMORY = MemorySample(budget=1, private=0, shared=0, activations=0, overhead=0, free=1, rss=0)


def stats(seq, boot_id="boot"):
    return Stats(boot_id, seq, at=float(seq), interval_s=1.0, bundle_version=1, memory=MEMORY, queries=())


def sent(outbox):
    """Numbers of the statistics that would go out now."""
    messages = [msgspec.json.decode(message) for message in outbox.take() if isinstance(message, str)]
    return [message["seq"] for message in messages if message["type"] == "stats"]


def filled(count, **options):
    outbox = Outbox(**options)
    for seq in range(1, count + 1):
        outbox.add_stats(stats(seq))
    return outbox


def test_each_is_sent_once_while_connected():
    outbox = filled(3)
    outbox.connected()
    assert sent(outbox) == [1, 2, 3]
    assert sent(outbox) == []
    outbox.add_stats(stats(4))
    assert sent(outbox) == [4]


def test_what_was_not_acknowledged_goes_out_again_after_a_break():
    outbox = filled(3)
    outbox.connected()
    sent(outbox)
    outbox.acknowledge(Ack("boot", 2))
    outbox.disconnected()
    outbox.connected()
    assert sent(outbox) == [3]


def test_the_oldest_are_dropped_and_counted_when_it_is_full():
    outbox = filled(5, stats_kept=3)
    assert (outbox.dropped, outbox.waiting) == (2, 3)
    outbox.connected()
    assert sent(outbox) == [3, 4, 5]
    outbox.add_stats(stats(6))
    assert sent(outbox) == [6]


def test_a_long_backlog_waits_for_acknowledgements():
    outbox = filled(WINDOW + 10)
    outbox.connected()
    assert len(sent(outbox)) == WINDOW
    outbox.acknowledge(Ack("boot", 5))
    assert sent(outbox) == [WINDOW + 1 + offset for offset in range(5)]


def test_an_acknowledgement_of_another_boot_means_nothing():
    outbox = filled(2)
    outbox.acknowledge(Ack("earlier", 2))
    assert outbox.waiting == 2


def test_a_report_goes_out_when_it_changes_and_on_every_connection():
    outbox = Outbox()
    report = Report("running", "", "d", 1)
    assert outbox.set_report(report)
    assert not outbox.set_report(report)
    outbox.connected()
    assert len(outbox.take()) == 1
    assert outbox.take() == []
    outbox.connected()
    assert len(outbox.take()) == 1


def test_previews_are_not_kept_for_later():
    outbox = Outbox()
    outbox.add_preview(b"old")
    outbox.connected()
    outbox.add_preview(b"new")
    assert outbox.take() == [b"new"]
    outbox.add_preview(b"unsent")
    outbox.disconnected()
    outbox.connected()
    assert outbox.take() == []


@given(st.lists(st.sampled_from(["add", "take", "break", "ack"]), max_size=60), st.integers(1, 8))
def test_whatever_happens_every_sample_is_acknowledged_waiting_or_counted_as_dropped(events, kept):
    outbox, added, last_sent, acknowledged = Outbox(stats_kept=kept), 0, 0, 0
    outbox.connected()
    for event in events:
        if event == "add":
            added += 1
            outbox.add_stats(stats(added))
        elif event == "take":
            last_sent = max([last_sent, *sent(outbox)])
        elif event == "break":
            outbox.disconnected()
            outbox.connected()
        else:
            before = outbox.waiting
            outbox.acknowledge(Ack("boot", last_sent))
            acknowledged += before - outbox.waiting
    assert added == acknowledged + outbox.waiting + outbox.dropped
