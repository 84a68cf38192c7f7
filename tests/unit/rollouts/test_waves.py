"""What a rollout does next: laws over whole rollouts with boxes that do as they like, and cases that people meet."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.rollouts.models import RolloutBox, RolloutBoxState, RolloutState
from webapp.rollouts.terms import Terms
from webapp.rollouts.waves import Moment, Seen, Step, next_step, open_wave, outcome, planned, tallies_of, waves_of
from webapp.rollouts.windows import Window

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NIGHT = Window(time(22), time(4), "UTC")
IDS = [UUID(int=number) for number in range(1, 200)]
W, U, S, F, R = (
    RolloutBoxState.WAITING,
    RolloutBoxState.UPDATING,
    RolloutBoxState.SUCCEEDED,
    RolloutBoxState.FAILED,
    RolloutBoxState.ROLLED_BACK,
)


def boxes(*waves: Iterable[RolloutBoxState]) -> list[RolloutBox]:
    states = [(number, state) for number, wave in enumerate(waves) for state in wave]
    return [RolloutBox(box_id=IDS[i], wave=wave, state=state) for i, (wave, state) in enumerate(states)]


def step_of(rows: list[RolloutBox], terms: Terms | None = None, **moment: object) -> Step:
    values = {"now": NOON, "reachable": frozenset(IDS)} | moment
    return next_step(RolloutState.RUNNING, terms or Terms(), rows, Moment(**values))


def test_starts_the_canary_and_nothing_else() -> None:
    assert step_of(boxes([W], [W, W])).start == (IDS[0],)


def test_waits_until_the_canary_runs_well() -> None:
    assert step_of(boxes([U], [W, W])) == Step(RolloutState.RUNNING)


def test_starts_the_next_wave_once_enough_of_this_one_succeeded() -> None:
    rows = boxes([S], [S, S, S, W], [W])
    assert step_of(rows, Terms(success_percent=75, error_percent=25)).start == (IDS[4], IDS[5])
    assert step_of(rows).start == (IDS[4],)


def test_a_failed_canary_pauses_it_and_the_reason_counts() -> None:
    step = step_of(boxes([F], [W, W]))
    assert step == Step(RolloutState.PAUSED, "1 of 1 box in wave 1 of 2 failed, none tolerated.")


def test_failures_up_to_the_threshold_are_tolerated() -> None:
    terms = Terms(success_percent=50, error_percent=25)
    assert step_of(boxes([F, S, S, U]), terms).state == RolloutState.RUNNING
    assert step_of(boxes([F, F, S, U]), terms).state == RolloutState.PAUSED


def test_goes_on_without_failures_that_a_person_accepted() -> None:
    rows = boxes([F], [W])
    rows[0].is_accepted = True
    assert step_of(rows).start == (IDS[1],)


def test_a_box_that_nobody_hears_waits_and_holds_up_no_other_of_its_wave() -> None:
    assert step_of(boxes([W, W]), reachable=frozenset({IDS[1]})).start == (IDS[1],)


def test_nothing_starts_outside_the_window_and_failures_count_there_too() -> None:
    terms = Terms(window=NIGHT)
    assert step_of(boxes([S], [W]), terms) == Step(RolloutState.RUNNING)
    assert step_of(boxes([S], [W]), terms, now=NOON + timedelta(hours=11)).start == (IDS[1],)
    assert step_of(boxes([F], [W]), terms).state == RolloutState.PAUSED


def test_an_obstacle_pauses_it() -> None:
    step = step_of(boxes([S], [W]), obstacle="The merged group is reverted on north gate.")
    assert step == Step(RolloutState.PAUSED, "The merged group is reverted on north gate.")


def test_finishes_when_every_box_has_ended() -> None:
    assert step_of(boxes([S], [S, S])).state == RolloutState.FINISHED
    assert step_of(boxes([S], [S, U])).state == RolloutState.RUNNING


def test_aborting_takes_back_what_does_not_run_well_and_rolling_back_everything() -> None:
    rows = boxes([S], [U, F, W, R])
    moment = Moment(NOON, frozenset(IDS))
    assert next_step(RolloutState.ABORTED, Terms(), rows, moment).withdraw == (IDS[1], IDS[2])
    assert next_step(RolloutState.ROLLED_BACK, Terms(), rows, moment).withdraw == (IDS[0], IDS[1], IDS[2])


@pytest.mark.parametrize(
    ("count", "canary", "percentages", "sizes"),
    [
        (1, True, (10, 50, 100), [1]),
        (3, True, (10, 50, 100), [1, 1, 1]),
        (21, True, (10, 50, 100), [1, 2, 8, 10]),
        (20, False, (25, 100), [5, 15]),
        (2, False, (1, 2, 3, 100), [1, 1]),
    ],
)
def test_plans_waves(count: int, canary: bool, percentages: tuple[int, ...], sizes: list[int]) -> None:
    waves = planned(IDS[:count], IDS[0] if canary else None, percentages)
    assert [list(waves.values()).count(wave) for wave in range(len(sizes))] == sizes


percentage_lists = st.sets(st.integers(1, 99), max_size=5).map(lambda some: (*sorted(some), 100))


@given(st.integers(1, 150), st.none() | st.integers(0, 149), percentage_lists)
def test_every_box_is_in_one_wave_and_no_wave_is_empty(count: int, canary: int | None, shares: tuple[int, ...]) -> None:
    chosen = None if canary is None else IDS[canary % count]
    waves = planned(IDS[:count], chosen, shares)
    assert set(waves) == set(IDS[:count])
    assert set(waves.values()) == set(range(max(waves.values()) + 1))
    if chosen is not None:
        assert [box for box, wave in waves.items() if wave == 0] == [chosen]


@dataclass
class World:
    """A rollout under way. `allowed`: boxes of waves that may have started, kept by a count of its own."""

    rows: list[RolloutBox]
    terms: Terms
    state: RolloutState = RolloutState.RUNNING

    def advance(self, now: datetime, reachable: frozenset[UUID]) -> Step:
        step = next_step(self.state, self.terms, self.rows, Moment(now, reachable))
        for row in self.rows:
            if row.box_id in step.start:
                assert row.state == W
                row.state = U
            if row.box_id in step.withdraw:
                row.state = R
        self.state = step.state
        return step

    def wave(self, number: int) -> list[RolloutBox]:
        return [row for row in self.rows if row.wave == number and not row.is_accepted]

    def share(self, number: int, state: RolloutBoxState) -> float:
        """In percent of the wave's boxes that count; a wave without any has succeeded."""
        counted = self.wave(number)
        return 100 * sum(row.state == state for row in counted) / len(counted) if counted else 100 * (state == S)


actions = st.one_of(
    st.tuples(st.just("report"), st.integers(0, 29), st.booleans()),
    st.tuples(st.sampled_from(["pause", "resume", "retry", "wait"]), st.integers(0, 29), st.booleans()),
    st.tuples(st.sampled_from(["abort", "roll back"]), st.integers(0, 29), st.booleans()),
)


@given(
    st.integers(1, 30),
    percentage_lists,
    st.integers(1, 100),
    st.integers(0, 100),
    st.none() | st.just(NIGHT),
    st.lists(st.tuples(actions, st.frozensets(st.sampled_from(IDS[:30]))), max_size=60),
)
def test_a_rollout_keeps_its_terms_whatever_happens(count, shares, success, error, window, story) -> None:
    planned_waves = planned(IDS[:count], IDS[0], shares)
    rows = [RolloutBox(box_id=box, wave=wave, state=W) for box, wave in planned_waves.items()]
    world = World(rows, Terms(shares, success, min(error, 100 - success), window))
    now = NOON
    for (action, number, is_good), offline in story:
        row = rows[number % count]
        now += timedelta(hours=3)
        if action == "report" and row.state == U:
            row.state = S if is_good else F
        elif action == "retry" and row.state == F:
            row.state = U
        elif action == "pause" and world.state == RolloutState.RUNNING:
            world.state = RolloutState.PAUSED
        elif action == "resume" and world.state == RolloutState.PAUSED:
            world.state = RolloutState.RUNNING
            for failed in rows:
                failed.is_accepted = failed.is_accepted or failed.state == F
        elif action == "abort" and world.state in (RolloutState.RUNNING, RolloutState.PAUSED):
            world.state = RolloutState.ABORTED
        elif action == "roll back":
            world.state = RolloutState.ROLLED_BACK
        _advance_and_check(world, now, frozenset(IDS) - offline)


def _advance_and_check(world: World, now: datetime, reachable: frozenset[UUID]) -> None:
    before = world.state
    failing = [wave for wave in range(30) if world.wave(wave) and world.share(wave, F) > world.terms.error_percent]
    passed = {wave: world.share(wave, S) >= world.terms.success_percent for wave in range(-1, 30)}
    step = world.advance(now, reachable)
    starting = {row.box_id: row.wave for row in world.rows if row.box_id in step.start}
    if starting:
        assert before == world.state == RolloutState.RUNNING
        assert not failing
        assert world.terms.window is None or now.hour >= 22 or now.hour < 4
        assert starting.keys() <= reachable
        assert all(passed[earlier] for wave in starting.values() for earlier in range(wave))
    if before == RolloutState.RUNNING and failing:
        assert world.state == RolloutState.PAUSED
    if world.state == RolloutState.ROLLED_BACK:
        assert {row.state for row in world.rows} <= {W, R}
    if world.state == RolloutState.ABORTED:
        assert {row.state for row in world.rows} <= {W, R, S}


@given(st.integers(1, 30), percentage_lists, st.integers(1, 100), st.integers(0, 100), st.data())
def test_a_rollout_whose_failures_are_tolerated_comes_to_its_end(count, shares, success, error, data) -> None:
    rows = [RolloutBox(box_id=box, wave=wave, state=W) for box, wave in planned(IDS[:count], IDS[0], shares).items()]
    world = World(rows, Terms(shares, success, min(error, 100 - success)))
    for _ in range(2 * count + 2):
        world.advance(NOON, frozenset(IDS))
        for row in rows:
            if row.state == U:
                rest = world.terms.tolerated(len(world.wave(row.wave))) - sum(
                    other.state == F for other in world.wave(row.wave)
                )
                row.state = data.draw(st.sampled_from([S, F])) if rest > 0 else S
    assert world.state == RolloutState.FINISHED


def test_the_open_wave_is_the_first_that_has_not_passed() -> None:
    assert open_wave(waves_of(Terms(), tallies_of(boxes([S], [S, U], [W])))) == 1
    assert open_wave(waves_of(Terms(), tallies_of(boxes([S], [S])))) == 1


RUNS = Seen(version=4, wanted_version=4, wanted_digest="d4", is_placed=True, runs_version=4, is_confirmed=True)


@pytest.mark.parametrize(
    ("seen", "state", "words"),
    [
        (RUNS, S, ""),
        (replace(RUNS, is_confirmed=False), U, ""),
        (replace(RUNS, runs_version=3), U, ""),
        (replace(RUNS, wanted_version=5, wanted_digest="d5", runs_version=5), S, ""),
        (replace(RUNS, runs_version=3, refused_digest="d4", sentence="Cars got worse."), F, "Cars got worse."),
        (replace(RUNS, runs_version=3, refused_digest="d2"), U, ""),
        (replace(RUNS, runs_version=3, wanted_version=3, wanted_digest="d3"), F, "Bundle 4 was cancelled"),
        (replace(RUNS, is_placed=False), F, "taken off"),
    ],
)
def test_how_a_box_did_follows_from_what_it_reports(seen: Seen, state: RolloutBoxState, words: str) -> None:
    assert outcome(seen)[0] == state
    assert outcome(seen)[1].startswith(words) or words in outcome(seen)[1]
