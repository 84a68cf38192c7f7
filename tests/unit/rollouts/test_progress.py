"""What the pages say about a rollout and its boxes."""

import uuid
from datetime import UTC, datetime, time, timedelta

import pytest

from webapp.fleets.models import Box
from webapp.rollouts.models import Rollout, RolloutBox, RolloutBoxState, RolloutState
from webapp.rollouts.progress import Progress, places_of, progress
from webapp.rollouts.status import BoxStatus, Connection, State
from webapp.rollouts.waves import tallies_of

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NIGHT = {"window_start": time(22), "window_end": time(4), "window_zone": "Europe/Berlin", "window_days": list(range(7))}
WELL = BoxStatus(Connection.CONNECTED, State.RUNNING, "", NOON)
GONE = BoxStatus(Connection.OFFLINE, State.RUNNING, "The server hears nothing from this box.", NOON)
W, U, S, F, R = RolloutBoxState


class Rows(list):
    def all(self) -> "Rows":
        return self


def rollout_of(*waves: str, state: RolloutState = RolloutState.RUNNING, **changes: object) -> Rollout:
    """`waves`: the first letters of its boxes' states, such as "s" and "uw"."""
    values = {"percentages": [100], "success_percent": 100, "error_percent": 0} | changes
    rollout = Rollout(state=state, **values)
    letters = {"w": W, "u": U, "s": S, "f": F, "r": R}
    rows = Rows(
        RolloutBox(box=Box(id=uuid.uuid4(), name=f"box {number}{i}"), wave=number, state=letters[letter])
        for number, wave in enumerate(waves)
        for i, letter in enumerate(wave)
    )
    rollout._prefetched_objects_cache = {"boxes": rows}
    return rollout


def shown(rollout: Rollout, status: BoxStatus = WELL, now: datetime = NOON) -> Progress:
    return progress(rollout, {row.box_id: status for row in rollout.boxes.all()}, now)


def sentences(found: Progress) -> list[str]:
    return [box.sentence for wave in found.waves for box in wave.boxes]


def test_says_how_far_the_open_wave_is_and_what_the_others_wait_for() -> None:
    found = shown(rollout_of("s", "suu", "w"))
    assert found.standing.sentence == "Wave 2 of 3: it runs on 1 of 3 boxes."
    assert [wave.sentence for wave in found.waves] == [
        "It runs on 1 of 1 box: passed.",
        "It runs on 1 of 3 boxes; 3 needed, 0 may fail.",
        "Begins once wave 2 has passed.",
    ]
    assert sentences(found)[-1] == "Waits for wave 2: it runs on 1 of the 3 needed there."
    assert found.standing.shares == [("waiting", 1, "20.00%"), ("updating", 2, "40.00%"), ("succeeded", 2, "40.00%")]


def test_a_wave_of_an_aborted_rollout_asks_for_no_more() -> None:
    found = shown(rollout_of("f", "w", state=RolloutState.ABORTED))
    assert [wave.sentence for wave in found.waves] == ["It runs on 0 of 1 box."] * 2


def test_names_the_opening_of_the_window_by_the_clock_of_the_place() -> None:
    found = shown(rollout_of("w", **NIGHT))
    assert found.standing.sentence == (
        "Wave 1 of 1: it runs on 0 of 1 box. The maintenance window opens on Monday at 22:00 (Europe/Berlin)."
    )
    assert sentences(found) == ["Waits for the maintenance window, which opens on Monday at 22:00 (Europe/Berlin)."]
    assert sentences(shown(rollout_of("w", **NIGHT), now=NOON + timedelta(hours=9))) == ["Starts in a moment."]


@pytest.mark.parametrize(
    ("letter", "status", "state", "sentence"),
    [
        ("w", GONE, "running", "Waits: the server hears nothing from it. It starts when it is back."),
        ("w", WELL, "paused", "Waits: the rollout is paused."),
        ("w", WELL, "aborted", "It was never started."),
        ("u", WELL, "running", "It runs the new bundle and has to prove it good."),
        ("u", GONE, "running", "The server hears nothing from this box."),
        ("s", WELL, "running", "Runs it."),
        ("r", WELL, "rolled back", "Back on what it ran before."),
    ],
)
def test_says_of_every_box_where_it_is(letter: str, status: BoxStatus, state: str, sentence: str) -> None:
    assert sentences(shown(rollout_of(letter, state=RolloutState(state)), status)) == [sentence]


def test_a_failure_keeps_its_reason_and_says_when_a_person_went_on() -> None:
    rollout = rollout_of("f")
    (row,) = rollout.boxes.all()
    row.sentence, row.is_accepted = "Cars got worse.", True
    assert sentences(shown(rollout)) == ["Cars got worse. The rollout went on without it."]


@pytest.mark.parametrize(
    ("waves", "state", "sentence"),
    [
        (("s", "ss"), "finished", "It runs on 3 of 3 boxes."),
        (("s", "sf"), "finished", "It runs on 2 of 3 boxes; 1 box without it."),
        (("s", "rw"), "aborted", "1 box kept it, 1 went back, 1 never started."),
        (("r", "r"), "rolled back", "2 boxes went back to what they ran before."),
    ],
)
def test_sums_up_what_has_ended(waves: tuple[str, ...], state: str, sentence: str) -> None:
    assert shown(rollout_of(*waves, state=RolloutState(state))).standing.sentence == sentence


def test_the_page_of_a_box_knows_whether_it_waits() -> None:
    rollout = rollout_of("u", "w")
    rollout.id = uuid.uuid4()
    rows = rollout.boxes.all()
    for row in rows:
        row.rollout = rollout
    first, second = places_of(rows, {rollout.id: tallies_of(rows)}, WELL, NOON)
    assert not first.is_waiting
    assert second.is_waiting
    assert second.sentence.startswith("Waits for wave 1")
