"""The wait before another try: grows, is capped, and is spread."""

from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.protocol.backoff import reconnect_delay_s


def test_doubles_until_the_cap():
    assert [reconnect_delay_s(attempt, 1.0) for attempt in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


@given(attempt=st.integers(0, 10_000), jitter=st.floats(0, 1), cap=st.floats(1, 600))
def test_is_never_longer_than_the_cap_and_never_a_busy_loop(attempt, jitter, cap):
    assert 0.25 <= reconnect_delay_s(attempt, jitter, cap_s=cap) <= cap


def test_jitter_spreads_over_the_upper_half():
    assert (reconnect_delay_s(3, 0.0), reconnect_delay_s(3, 1.0)) == (2.0, 4.0)
