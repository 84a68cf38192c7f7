import pytest

from edge_runtime.scheduling.policies import POLICIES, UnknownPolicy, policy_named
from edge_runtime.scheduling.schedule import schedule
from edge_runtime.scheduling.words import Budget, Profiles, Resident, Waiting


def frames_for(*slots: str, captured_at: float = 10.0, deadline_ms: int = 10_000) -> list[Waiting]:
    return [Waiting(f"query-{slot}", slot, (captured_at,), deadline_ms) for slot in slots]


def test_an_unknown_policy_is_refused_with_the_names_that_exist() -> None:
    with pytest.raises(UnknownPolicy, match="merge-aware, time-sharing"):
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


def test_merge_aware_loads_only_the_missing_layers_of_a_neighbour_before_a_whole_model(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40}, {"cars": 10.0, "people": 9.9, "signs": 9.9})

    decision = schedule(10.0, frames_for("signs", "people"), resident, street, Budget(250, load_bytes_per_s=1000))

    assert decision is not None
    assert (decision.slot, decision.load) == ("people", ("people",))


def test_merge_aware_evicts_what_is_needed_again_last_and_keeps_the_shared_layers(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40, "signs": 100}, {"cars": 10.0})

    decision = schedule(10.0, frames_for("people"), resident, street, Budget(210))

    assert decision is not None
    # In the ring cars, people, signs the next use of "cars" is farthest from "people", and its 40 bytes are enough.
    assert decision.evict == ("cars",)


def test_merge_aware_turns_to_a_model_that_waited_too_long(street: Profiles) -> None:
    budget = Budget(210, load_bytes_per_s=1000)  # a round of all three: 240 ms of load for what is missing and runs
    resident = Resident({"trunk": 60, "cars": 40}, {"cars": 10.0, "people": 9.9, "signs": 9.0})

    decision = schedule(10.0, frames_for("cars", "signs"), resident, street, budget)

    assert decision is not None
    assert decision.slot == "signs"


def test_merge_aware_runs_an_urgent_frame_first_where_the_other_can_wait(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40, "signs": 100}, {"cars": 10.0, "signs": 10.0, "people": 10.0})
    many = Waiting("patient", "cars", (10.0, 10.0, 10.0, 10.0), 5_000)
    urgent = Waiting("hasty", "signs", (10.0,), 15)

    decision = schedule(10.0, [many, urgent], resident, street, Budget(500))

    assert decision is not None
    assert decision.slot == "signs"


def test_tensors_of_no_model_leave_first(street: Profiles) -> None:
    resident = Resident({"trunk": 60, "cars": 40, "forgotten": 90}, {"cars": 10.0})

    decision = schedule(10.0, frames_for("people"), resident, street, Budget(210))

    assert decision is not None
    assert decision.evict == ("forgotten",)
