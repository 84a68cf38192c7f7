import pytest

from edge_runtime.serving.tally import Agreement, Tally, percentile


@pytest.fixture
def tally() -> Tally:
    tally = Tally()
    tally.retarget(["a", "b"])
    return tally


def test_every_decided_frame_is_captured_and_counted_as_exactly_one_thing(tally: Tally) -> None:
    tally.processed("a", 12.0, {"car": 2})
    tally.processed("a", 14.0, {"car": 1})
    tally.late("a")
    tally.dropped("a", 3)

    sample, _ = tally.take({})

    assert (sample.captured, sample.processed, sample.late, sample.dropped) == (6, 2, 1, 3)
    assert sample.counts == {"car": 1.5}
    assert (sample.latency_p50_ms, sample.latency_p95_ms) == (12.0, 14.0)


def test_counting_starts_again_with_every_sample(tally: Tally) -> None:
    tally.swapped("b", 40.0)

    first, second = tally.take({})[1], tally.take({})[1]

    assert (first.swaps, first.swap_ms) == (1, 40.0)
    assert (second.swaps, second.swap_ms, second.latency_p50_ms) == (0, 0.0, None)


def test_agreement_is_shown_with_the_number_of_frames_behind_it(tally: Tally) -> None:
    a, b = tally.take({"a": Agreement(0.98, 50)})

    assert (a.agreement, a.agreement_frames) == (0.98, 50)
    assert (b.agreement, b.agreement_frames) == (None, 0)


def test_a_model_that_keeps_no_account_of_its_time_on_the_device_says_nothing_of_it(tally: Tally) -> None:
    assert [sample.resident for sample in tally.take({}, {"b": 0.75})] == [None, 0.75]


def test_what_happens_to_a_query_that_is_gone_is_nobodys_figure(tally: Tally) -> None:
    tally.retarget(["b"])
    tally.dropped("a", 1)

    assert [sample.query for sample in tally.take({})] == ["b"]


def test_percentiles_are_values_that_occurred() -> None:
    assert percentile([], 50) is None
    assert percentile([3.0], 95) == 3.0
    assert percentile([float(value) for value in range(1, 101)], 95) == 95.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 50) == 2.0
