"""Which terms a rollout may have."""

from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.common.errors import InvalidInput
from webapp.rollouts.terms import Terms, check_terms
from webapp.rollouts.windows import Window


def test_the_defaults_are_acceptable() -> None:
    check_terms(Terms())


@pytest.mark.parametrize(
    ("field", "terms"),
    [
        ("percentages", {"percentages": ()}),
        ("percentages", {"percentages": (10, 50)}),
        ("percentages", {"percentages": (50, 50, 100)}),
        ("percentages", {"percentages": (0, 100)}),
        ("percentages", {"percentages": tuple(range(80, 101))}),
        ("success_percent", {"success_percent": 0}),
        ("success_percent", {"success_percent": 101}),
        ("error_percent", {"success_percent": 90, "error_percent": 11}),
        ("error_percent", {"error_percent": -1}),
        ("window_zone", {"window": Window(time(1), time(2), "Mars/Olympus")}),
        ("window_zone", {"window": Window(time(1), time(2), "Europe")}),
        ("window_zone", {"window": Window(time(1), time(2), "../../etc/passwd")}),
        ("window_zone", {"window": Window(time(1), time(2), "")}),
        ("window_end", {"window": Window(time(1), time(1), "UTC")}),
        ("window_days", {"window": Window(time(1), time(2), "UTC", frozenset())}),
        ("window_days", {"window": Window(time(1), time(2), "UTC", frozenset({7}))}),
    ],
)
def test_names_the_field_that_is_wrong(field: str, terms: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        check_terms(Terms(**terms))
    assert caught.value.field == field


@given(st.integers(1, 100), st.integers(0, 100), st.integers(0, 500))
def test_failures_that_are_tolerated_never_keep_a_wave_from_passing(success: int, error: int, boxes: int) -> None:
    terms = Terms(success_percent=success, error_percent=min(error, 100 - success))
    check_terms(terms)
    assert boxes - terms.tolerated(boxes) >= terms.needed(boxes)
