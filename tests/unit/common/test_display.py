"""Numbers and times as people read them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from webapp.common.templatetags import display


@pytest.mark.parametrize(
    ("length_s", "words"),
    [(0, "0 s"), (59.6, "1 min"), (125, "2 min 5 s"), (3600, "1 h"), (90061, "1 d 1 h"), (timedelta(hours=2), "2 h")],
)
def test_tells_a_length_of_time_in_its_two_largest_units(length_s, words):
    assert display.seconds(length_s) == words


@pytest.mark.parametrize("shown", [display.size, display.percent, display.number, display.seconds])
@pytest.mark.parametrize("unknown", [None, ""])
def test_shows_a_dash_for_what_is_not_known(shown, unknown):
    assert shown(unknown) == "–"


def test_writes_numbers_with_their_units():
    assert display.size(5 * 2**20) == "5.0 MiB"
    assert display.percent(0.9555) == "95.5 %"
    assert display.percent(0) == "0.0 %"
    assert display.number(12.34) == "12.3"
    assert display.number(12.34, 0) == "12"


@pytest.mark.parametrize(
    ("passed", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(minutes=3, seconds=20), "3 min ago"),
        (timedelta(minutes=31), "31 min ago"),
        (timedelta(seconds=3590), "1 h ago"),
        (-timedelta(hours=2), "in 2 h"),
        (-timedelta(days=7), "in 7 d"),
    ],
)
def test_tells_how_long_ago_something_was_with_the_exact_time_on_hover(passed, words):
    at = timezone.now() - passed

    shown = display.ago(at)
    assert f">{words}</time>" in shown
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in shown


def test_says_never_of_what_has_not_happened():
    assert display.ago(None) == "never"


def test_shares_of_nothing_are_unknown():
    assert display.share_of(3, 0) is None
    assert display.saved_fraction(0, 0) is None
    assert display.saved_fraction(12, 9) == 0.25


@pytest.mark.parametrize(
    ("stored", "shown"),
    [(["car", "bus"], "car, bus"), ([], "–"), (None, "–"), ("", "–"), (0, 0), ([[0.1, 0.2]], [[0.1, 0.2]])],
)
def test_lists_words_that_were_stored_as_a_list(stored, shown):
    assert display.listed(stored) == shown
