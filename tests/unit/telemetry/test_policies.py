"""When a sample was taken, whatever the box's clock says."""

from datetime import UTC, datetime, timedelta

import pytest

from edge_runtime.protocol.messages import MemorySample, Stats
from webapp.telemetry.policies import sampled_at

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def at(seconds: float) -> Stats:
    return Stats("boot", 1, seconds, 1.0, 1, MemorySample(0, 0, 0, 0, 0, 0, 0), ())


def test_a_day_old_sample_keeps_its_time() -> None:
    yesterday = NOW - timedelta(days=1)
    assert sampled_at(at(yesterday.timestamp()), NOW) == yesterday


@pytest.mark.parametrize("seconds", [NOW.timestamp() + 3600, 1e18, float("inf")])
def test_a_time_ahead_or_beyond_the_calendar_becomes_about_now(seconds: float) -> None:
    assert sampled_at(at(seconds), NOW) <= NOW + timedelta(minutes=1)
