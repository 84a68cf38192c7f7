"""The time shown, as addresses say it."""

from datetime import UTC, datetime, timedelta

import pytest

from webapp.common.errors import InvalidInput
from webapp.results.ranges import shown_of, time_of

NOW = datetime(2026, 5, 4, 12, 34, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("span", "since", "until"),
    [
        ("1h", datetime(2026, 5, 4, 11, 35, tzinfo=UTC), datetime(2026, 5, 4, 12, 35, tzinfo=UTC)),
        ("24h", datetime(2026, 5, 3, 13, 0, tzinfo=UTC), datetime(2026, 5, 4, 13, 0, tzinfo=UTC)),
        ("7d", datetime(2026, 4, 27, 13, 0, tzinfo=UTC), datetime(2026, 5, 4, 13, 0, tzinfo=UTC)),
    ],
)
def test_whole_buckets_up_to_the_running_one(span: str, since: datetime, until: datetime) -> None:
    shown = shown_of({"span": span}, NOW)
    assert (shown.since, shown.until, shown.is_live, shown.later) == (since, until, True, "")


def test_going_back_and_forth_leads_to_the_same_time_and_at_last_to_now() -> None:
    past = shown_of({"span": "24h", "until": "2026-05-02T08:00Z"}, NOW)
    assert (past.since, past.is_live) == (datetime(2026, 5, 1, 8, 0, tzinfo=UTC), False)
    parsed = dict(part.split("=") for part in past.earlier.replace("%3A", ":").split("&"))
    earlier = shown_of(parsed, NOW)
    assert earlier.until == past.since
    assert earlier.later == past.address
    assert shown_of({"until": (NOW + timedelta(days=9)).isoformat()}, NOW) == shown_of({}, NOW)


@pytest.mark.parametrize("text", ["2026-05-02T08:00Z", "2026-05-02T08:00", "2026-05-02T10:00+02:00"])
def test_a_time_without_a_zone_is_utc(text: str) -> None:
    assert time_of({"since": text}, "since") == datetime(2026, 5, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize("parameters", [{"span": "1y"}, {"until": "yesterday"}, {"until": "2026-13-01"}])
def test_what_is_no_time_is_refused_with_an_example(parameters: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match=r"24h|2026-05-04T12:00Z"):
        shown_of(parameters, NOW)
