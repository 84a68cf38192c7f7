import pytest

from edge_runtime.scheduling.policies import POLICIES, UnknownPolicy, policy_named
from edge_runtime.scheduling.schedule import prefetch, schedule
from edge_runtime.scheduling.words import Budget, Prefetch, Profiles, Resident, Waiting
from tests.simulators.profiles import profile

JUST_NOW = {"cars": 9.99, "signs": 9.98, "people": 9.97}  # nobody starves


def frames_for(*slots: str, captured_at: float = 10.0, deadline_ms: int = 10_000) -> list[Waiting]:
    return [Waiting(f"query-{slot}", slot, (captured_at,), deadline_ms) for slot in slots]


def test_an_unknown_policy_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(UnknownPolicy, match="layerwise, merge-aware, space-sharing, time-sharing"):
        policy_named("psychic")


@pytest.mark.parametrize("policy", POLICIES)
def test_no_decision_without_a_waiting_frame(street: Profiles, policy: str) -> None:
    assert schedule(10.0, [], Resident(), street, Budget(500), policy) is None


def test_time_sharing_visits_the_models_in_turn(street: Profiles) -> None:
    queues, visited, ran = frames_for("cars", "signs", "people"), [], dict[str, float]()
    for step in range(5):
        decision = schedule(10.0 + step, queues, Resident({}, ran), street, Budget(500), "time-sharing")
        assert decision is not None
        visited.append(decision.slot)
        ran[decision.slot] = 10.0 + step

    assert visited == ["cars", "signs", "people", "cars", "signs"]


def test_time_sharing_evicts_the_model_that_ran_most_recently_and_all_of_it(street: Profiles) -> None:
    resident = Resident({"signs": 100, "trunk": 60, "cars": 40}, {"signs": 1.0, "cars": 2.0})

    decision = schedule(3.0, frames_for("people"), resident, street, Budget(220), "time-sharing")

    assert decision is not None
    assert decision.evict == ("cars",)  # its trunk is needed by "people"
    assert decision.load == ("people",)


def test_merge_aware_visits_models_that_share_one_after_the_other(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40}, {"cars": 10.0})

    decision = schedule(11.0, frames_for("signs", "people"), resident, street, Budget(250), "merge-aware")

    assert decision is not None
    assert (decision.slot, decision.load) == ("people", ("people",))


def test_merge_aware_keeps_the_layers_that_a_model_still_to_come_uses(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40, "people": 40}, {"cars": 10.0})

    decision = schedule(11.0, frames_for("signs"), resident, street, Budget(220), "merge-aware")

    assert decision is not None
    # In the ring signs, cars, people the last is people; the trunk is still needed by cars.
    assert decision.evict == ("people",)


def test_space_sharing_serves_the_models_that_fit_and_never_evicts(street: Profiles) -> None:
    # cars and people take 140 bytes and 10 for a run; signs would need 100 more.
    budget = Budget(200)
    for slots, expected in ((("cars", "people", "signs"), {"cars", "people"}), (("signs",), set())):
        decision = schedule(11.0, frames_for(*slots), Resident(), street, budget, "space-sharing")
        assert {decision.slot if decision else None} - {None} <= expected
        assert decision is None or decision.evict == ()


def test_layerwise_runs_the_most_urgent_first_while_all_can_be_in_time(street: Profiles) -> None:
    queues = [*frames_for("cars", deadline_ms=900), *frames_for("signs", deadline_ms=500)]

    decision = schedule(10.0, queues, Resident({}, JUST_NOW), street, Budget(210, load_bytes_per_s=1000), "layerwise")

    assert decision is not None
    assert decision.slot == "signs"


def test_layerwise_lets_a_ready_model_go_first_where_that_delays_nobody(street: Profiles) -> None:
    resident = Resident({"signs": 100}, JUST_NOW)
    budget = Budget(210, load_bytes_per_s=1000)

    def chosen(deadline_ms: int) -> str | None:
        queues = [*frames_for("cars", deadline_ms=deadline_ms), *frames_for("signs", deadline_ms=900)]
        decision = schedule(10.0, queues, resident, street, budget, "layerwise")
        return decision.slot if decision else None

    assert chosen(deadline_ms=150) == "signs"  # load and run of cars take 110 ms, the run of signs 10
    assert chosen(deadline_ms=115) == "cars"


def test_layerwise_serves_most_frames_per_ms_when_not_all_can_be_in_time(street: Profiles) -> None:
    budget = Budget(210, load_bytes_per_s=100)  # a second for each model: the deadlines of 1.2 s allow one
    many = Waiting("many", "signs", (10.0, 10.0, 10.0), 1_200)

    decision = schedule(
        10.0, [*frames_for("cars", deadline_ms=1_150), many], Resident({}, JUST_NOW), street, budget, "layerwise"
    )

    assert decision is not None
    assert decision.slot == "signs"


def test_a_frame_of_high_priority_outweighs_several(street: Profiles) -> None:
    budget = Budget(210, load_bytes_per_s=100)
    many = Waiting("many", "signs", (10.0, 10.0, 10.0), 1_200)
    dear = Waiting("dear", "cars", (10.0,), 1_200, priority=9.0)

    decision = schedule(10.0, [many, dear], Resident({}, JUST_NOW), street, budget, "layerwise")

    assert decision is not None
    assert decision.slot == "cars"


def test_layerwise_evicts_no_more_bytes_than_needed_and_shared_layers_last() -> None:
    one = profile("one", {"big": 50, "small": 10, "shared": 20})
    two = profile("two", {"shared": 20, "own": 5})
    new = profile("new", {"new": 12})
    profiles = Profiles((one, two, new))
    resident = Resident({"big": 50, "small": 10, "shared": 20, "own": 5}, {"one": 1.0, "two": 2.0})

    def evicted(limit_bytes: int) -> set[str]:
        decision = schedule(10.0, frames_for("new"), resident, profiles, Budget(limit_bytes), "layerwise")
        assert decision is not None
        return set(decision.evict)

    # 85 are held, 12 come in and 10 are needed to run. "one" was idle longest, and only its big layer is enough.
    assert evicted(107) == set()
    assert evicted(105) == {"big"}
    assert evicted(50) == {"big", "small"}
    assert evicted(45) == {"big", "small", "own"}
    assert evicted(40) == {"big", "shared"}  # 67 bytes are needed: with the shared layer the small ones can stay


def test_layerwise_gives_up_the_layers_of_a_silent_camera_before_those_of_one_that_is_expected() -> None:
    profiles = Profiles(tuple(profile(slot, {slot: 50}) for slot in ("silent", "live", "new")))
    resident = Resident({"silent": 50, "live": 50}, {"silent": 9.9, "live": 9.0})
    live = Waiting("live", "live", (), 500, expected_at=10.1)
    silent = Waiting("silent", "silent", (), 500)

    decision = schedule(10.0, [live, silent, *frames_for("new")], resident, profiles, Budget(120), "layerwise")

    assert decision is not None
    assert decision.evict == ("silent",)


def test_copies_ahead_what_the_next_visit_lacks_into_the_room_beside_the_run(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40}, {"cars": 10.0})
    for room, load in ((140 + 100, ("signs",)), (100 + 10 + 99, ())):
        plan = prefetch(10.0, frames_for("signs"), resident, street, Budget(room), "layerwise", ("cars", 10))
        assert (plan.load if plan else ()) == load


def test_evicts_for_a_copy_ahead_only_what_nobody_waits_for(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40, "people": 40}, {"cars": 10.0, "people": 9.0})
    budget = Budget(240)

    plan = prefetch(10.0, frames_for("signs"), resident, street, budget, "layerwise", ("cars", 10))
    nothing = prefetch(10.0, frames_for("signs", "people"), resident, street, budget, "layerwise", ("cars", 10))

    assert plan == Prefetch("signs", ("people",), ("signs",))
    assert nothing is None


def test_tensors_of_no_model_leave_first(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40, "forgotten": 90}, {"cars": 10.0})

    decision = schedule(10.0, frames_for("people"), resident, street, Budget(210))

    assert decision is not None
    assert decision.evict == ("forgotten",)
