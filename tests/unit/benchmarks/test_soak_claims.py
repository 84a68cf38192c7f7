"""What a soak claims, on made-up samples: each claim holds when all is well and is missed by the leak it is about."""

import pytest

from benchmarks.soak.claims import Sample, frame_claims, leak_claims, rounds, statistics_claim
from edge_runtime.protocol.messages import MemorySample, QuerySample, Stats

MIB = 2**20


def samples(*, rounds=20, rss=lambda number: 500, threads=lambda number: 12, descriptors=lambda number: 8):
    return [
        Sample(number * 10.0 + step, number, rss(number) * MIB, threads(number) + step, descriptors(number) + step)
        for number in range(1, rounds + 1)
        for step in range(3)
    ]


def missed(claims):
    return [claim.name for claim in claims if not claim.held]


def test_a_steady_box_holds_everything():
    assert missed(leak_claims(rounds(samples()), 0.05)) == []


def test_the_warm_up_does_not_count():
    grows_at_first = samples(rss=lambda number: 300 if number < 3 else 500)
    assert missed(leak_claims(rounds(grows_at_first), 0.05)) == []
    assert len(rounds(grows_at_first)) == 18


@pytest.mark.parametrize(("mib_a_round", "is_held"), [(1, True), (2, False)])
def test_memory_that_grows_a_little_with_every_round_is_found(mib_a_round, is_held):
    growing = samples(rss=lambda number: 500 + mib_a_round * number)
    assert ("resident memory flat within 5%" not in missed(leak_claims(rounds(growing), 0.05))) == is_held


def test_one_thread_left_behind_in_the_middle_is_found():
    leaking = samples(threads=lambda number: 12 + (number > 10))
    assert missed(leak_claims(rounds(leaking), 0.05)) == ["no more threads at the end"]


def test_a_pool_that_fills_is_tolerated_in_a_short_run_but_no_thread_per_round():
    filling, leaking = samples(threads=lambda number: 12 + min(number, 6)), samples(threads=lambda number: 12 + number)
    assert missed(leak_claims(rounds(filling), 0.05, thread_tolerance=6)) == []
    assert missed(leak_claims(rounds(leaking), 0.05, thread_tolerance=6)) == ["no more threads at the end"]


def test_a_thread_that_hangs_for_a_while_is_no_leak():
    """The lowest count of a round is taken; within a round it goes up and down."""
    assert missed(leak_claims(rounds(samples(threads=lambda number: 12 + number % 2)), 0.05)) == []


def test_one_file_descriptor_left_behind_every_few_rounds_is_found():
    leaking = samples(descriptors=lambda number: 8 + number // 5)
    assert missed(leak_claims(rounds(leaking), 0.05)) == ["no more file descriptors at the end"]


def test_too_short_a_run_claims_nothing():
    assert missed(leak_claims(rounds(samples(rounds=2)), 0.05)) == ["enough rounds to compare"]


def stats(seq, *, boot="one", captured=5, processed=3, dropped=1, late=1):
    query = QuerySample("q1", captured, processed, dropped, late, 10.0, 20.0, 0, 0.0, None, 0)
    memory = MemorySample(10, 1, 1, 1, 1, 6, 100)
    return Stats(boot, seq, float(seq), 1.0, 1, memory, (query,))


def test_frames_in_time_that_all_add_up_hold():
    assert missed(frame_claims([stats(1), stats(2)], {"q1": (7, 580.0, 0)}, 600)) == []


def test_one_look_at_the_clock_in_a_hundred_may_be_late():
    """A busy machine: the run ended in time, the look came later."""
    many = [stats(seq, captured=500, processed=500, dropped=0, late=0) for seq in (1, 2)]
    assert missed(frame_claims(many, {"q1": (1000, 580.0, 1)}, 600)) == []
    assert missed(frame_claims(many, {"q1": (1000, 580.0, 20)}, 600)) != []


@pytest.mark.parametrize(
    "audit",
    [
        {"q1": (7, 601.0, 0)},  # the box itself counts a late frame as processed
        {"q1": (7, 580.0, 1)},  # its clock says what the auditor's does not
        {"q1": (5, 580.0, 0)},  # more counted than answered
        {},
    ],
)
def test_a_late_or_invented_frame_is_found(audit):
    assert missed(frame_claims([stats(1), stats(2)], audit, 600)) == [
        "no frame later than its deadline counted as processed"
    ]


def test_a_frame_that_vanished_is_found():
    assert missed(frame_claims([stats(1, captured=6)], {"q1": (3, 1.0, 0)}, 600)) == [
        "every captured frame is processed, late or dropped"
    ]


@pytest.mark.parametrize(
    ("messages", "is_held"),
    [
        ([stats(1), stats(2), stats(3)], True),
        ([stats(1), stats(3)], False),
        ([stats(1), stats(2, boot="two")], False),
        ([], False),
    ],
)
def test_a_lost_message_or_a_restart_is_found(messages, is_held):
    assert statistics_claim(messages).held is is_held
