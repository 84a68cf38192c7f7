from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from webapp.alerts.hysteresis import CLEAR_FOR, HOLDS_FOR, Change, note
from webapp.alerts.models import Alert, AlertKind

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
STEP = timedelta(seconds=15)


def camera_alert():
    return Alert(kind=AlertKind.CAMERA_DEAD, noticed_at=START, sentence="")


def test_every_kind_says_how_long_it_has_to_hold():
    assert set(HOLDS_FOR) == set(AlertKind)


def test_opens_only_after_the_condition_has_held():
    alert = camera_alert()
    assert note(alert, True, START) is Change.NONE
    assert note(alert, True, START + timedelta(seconds=59)) is Change.NONE
    assert note(alert, True, START + timedelta(seconds=60)) is Change.OPEN
    assert note(alert, True, START + timedelta(seconds=75)) is Change.NONE


def test_what_came_and_went_before_anybody_was_told_is_forgotten():
    alert = camera_alert()
    note(alert, True, START)
    assert note(alert, False, START + STEP) is Change.FORGET


def test_closes_only_after_the_condition_was_gone_for_a_while():
    alert = Alert(kind=AlertKind.BOX_OFFLINE, noticed_at=START, sentence="")
    assert note(alert, True, START) is Change.OPEN
    gone = START + timedelta(minutes=1)
    assert note(alert, False, gone) is Change.NONE
    assert note(alert, True, gone + STEP) is Change.NONE
    assert alert.clear_since is None
    assert note(alert, False, gone + 2 * STEP) is Change.NONE
    assert note(alert, False, gone + 2 * STEP + CLEAR_FOR) is Change.CLOSE
    assert alert.clear_since == gone + 2 * STEP


def test_a_share_of_lost_frames_that_goes_up_and_down_around_its_limit_is_one_alert():
    alert = Alert(kind=AlertKind.FRAMES_LOST, noticed_at=START, sentence="")
    minute = timedelta(minutes=1)
    losing = [True, True, False, False, False, True, False, False, False, False, False, False]
    changes = [note(alert, holds, START + number * minute) for number, holds in enumerate(losing)]
    assert [number for number, change in enumerate(changes) if change is not Change.NONE] == [1, 11]
    assert (changes[1], changes[11]) == (Change.OPEN, Change.CLOSE)


@given(st.lists(st.booleans(), max_size=200))
def test_never_tells_twice_within_the_time_it_takes_to_close(conditions):
    """However a condition flickers, an alert's end comes at least CLEAR_FOR after its start."""
    alert, told = None, []
    for tick, holds in enumerate(conditions):
        now = START + tick * STEP
        if alert is None:
            if not holds:
                continue
            alert = Alert(kind=AlertKind.CAMERA_DEAD, noticed_at=now, sentence="")
        change = note(alert, holds, now)
        if change in (Change.OPEN, Change.CLOSE):
            told.append((change, now))
        if change in (Change.FORGET, Change.CLOSE):
            alert = None
    assert [change for change, _ in told] == [Change.OPEN, Change.CLOSE] * (len(told) // 2) + [Change.OPEN] * (
        len(told) % 2
    )
    for (before, then), (_, now) in pairwise(told):
        assert now - then >= (CLEAR_FOR if before is Change.OPEN else HOLDS_FOR[AlertKind.CAMERA_DEAD])
