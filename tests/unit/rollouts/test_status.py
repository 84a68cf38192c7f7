"""How a box is doing, from facts alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from webapp.rollouts.status import Connection, Facts, State, status_of

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
FINE = Facts(True, True, NOW, "running", "", "digest", 3, "digest", 3)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("facts", "connection"),
    [
        (FINE, Connection.CONNECTED),
        (replace(FINE, last_seen_at=ago(11)), Connection.STALE),
        (replace(FINE, is_connected=False), Connection.STALE),
        (replace(FINE, last_seen_at=ago(61)), Connection.OFFLINE),
        (replace(FINE, last_seen_at=None), Connection.OFFLINE),
        (replace(FINE, is_enrolled=False), Connection.NOT_ENROLLED),
    ],
)
def test_the_connection_is_what_was_heard_last(facts: Facts, connection: Connection) -> None:
    status = status_of(facts, NOW)
    assert status.connection is connection
    assert status.since == facts.last_seen_at


def test_a_box_that_runs_its_bundle_needs_no_sentence() -> None:
    assert (status_of(FINE, NOW).state, status_of(FINE, NOW).sentence) == (State.RUNNING, "")


@pytest.mark.parametrize(
    ("facts", "state", "sentence"),
    [
        (
            replace(FINE, wanted="other", wanted_version=4),
            State.NOT_AT_TARGET,
            "It runs bundle 3; bundle 4 is on its way.",
        ),
        (
            replace(FINE, runs="", state="not at target", sentence="The disk is full."),
            State.NOT_AT_TARGET,
            "The disk is full.",
        ),
        (replace(FINE, state="degraded", sentence="A camera is away."), State.DEGRADED, "A camera is away."),
        (replace(FINE, last_seen_at=ago(61), refusal="Update the box."), State.RUNNING, "Update the box."),
        (replace(FINE, state=""), State.UNKNOWN, "The box has not reported what it runs yet."),
        (replace(FINE, state="from the future"), State.UNKNOWN, ""),
    ],
)
def test_the_state_says_why_a_box_is_not_at_its_target(facts: Facts, state: State, sentence: str) -> None:
    status = status_of(facts, NOW)
    assert (status.state, status.sentence) == (state, sentence)


LOST = "Query cars lost 86% of its frames in the last 3 minutes."


def test_a_box_that_loses_its_frames_is_degraded_whatever_it_says_itself() -> None:
    status = status_of(replace(FINE, lost=LOST), NOW)
    assert (status.state, status.reasons, status.is_losing) == (State.DEGRADED, [LOST], True)


def test_lost_frames_come_before_what_else_is_wrong_but_after_why_it_is_not_at_its_target() -> None:
    faulty = replace(FINE, state="degraded", sentence="Yard: There is no file.", lost=LOST)
    assert status_of(faulty, NOW).reasons == [LOST, "Yard: There is no file."]
    said = {"c": "Yard: There is no file."}
    told = [status_of(facts, NOW).camera_reasons for facts in (faulty, replace(faulty, camera_reasons=said))]
    assert told == [{}, said]
    behind = status_of(replace(FINE, runs="older", lost=LOST), NOW)
    assert (behind.state, behind.reasons[1]) == (State.NOT_AT_TARGET, LOST)


def test_what_an_offline_box_lost_before_is_not_told() -> None:
    status = status_of(replace(FINE, last_seen_at=None, lost=LOST), NOW)
    assert not status.is_losing
    assert LOST not in status.sentence
