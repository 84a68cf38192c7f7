import random

import pytest

from edge_runtime.scheduling.admission import BudgetTooSmall
from edge_runtime.scheduling.advice import Known, advice, told, verdict
from edge_runtime.scheduling.assessment import Assessment, Plan, assess, is_met
from edge_runtime.scheduling.coarsening import coarse
from edge_runtime.scheduling.likeness import likeness_by_network
from edge_runtime.scheduling.simulation import simulate
from edge_runtime.scheduling.words import Batch, Budget, ModelProfile, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload
from tests.simulators.profiles import profile


def ask(*slots: str, rate_fps: float = 5.0, deadline_ms: int = 300) -> Workload:
    return Workload(tuple(QueryLoad(f"query-{slot}", slot, rate_fps, deadline_ms) for slot in slots))


def apart(*slots: str, **options) -> Profiles:
    return Profiles(tuple(profile(slot, {slot: 100}, **options) for slot in slots))


def advised(plan: Plan, **known) -> tuple[str, ...]:
    return advice(plan, assess(plan), Known(**known))


def network_of(slot: str, layers: int) -> ModelProfile:
    sizes = random.Random(0)  # the same for every slot: one network
    tensors = {f"{slot}{layer}": sizes.randrange(1_000, 1_000_000) for layer in range(layers)}
    return ModelProfile(slot, tensors, (Batch(1, 10, 1_000_000), Batch(2, 16, 2_000_000), Batch(4, 28, 4_000_000)))


def test_a_workload_that_fits_and_has_time_is_met_without_a_word() -> None:
    plan = Plan(ask("cars", "people"), apart("cars", "people"), Budget(500))
    assessment = assess(plan)

    assert assessment.is_met
    assert assessment.in_time == 1
    assert told(plan, Known()) == ""
    assert assessment.computing == pytest.approx(2 * 5 * 0.010, rel=0.05)
    assert assessment.swapping == 0


def test_a_shortage_of_memory_is_told_with_the_budget_that_would_do() -> None:
    # Room for one of three; each load takes 200 ms.
    plan = Plan(ask("a", "b", "c"), apart("a", "b", "c"), Budget(110, load_bytes_per_s=500))
    assessment = assess(plan)
    found = advised(plan)

    assert not assessment.is_met
    assert assessment.swapping > 0.5
    assert "340 B" in found[0]  # 300 of weights and four frames' activations
    assert found[0] in told(plan, Known())
    assert assess(Plan(plan.workload, plan.profiles, Budget(340, load_bytes_per_s=500))).is_met


def test_a_slow_link_condemns_no_box_that_holds_all_its_models() -> None:
    assessment = assess(Plan(ask("a", "b", "c"), apart("a", "b", "c"), Budget(340, load_bytes_per_s=1)))

    assert assessment.is_met
    assert assessment.swapping == 0


def test_merging_is_advised_with_what_it_saves_at_best_where_layers_are_alike() -> None:
    plan = Plan(ask("a", "b", "c"), apart("a", "b", "c"), Budget(110, load_bytes_per_s=500))
    alike = likeness_by_network(plan.profiles, dict.fromkeys("abc", "resnet18"))
    unlike = likeness_by_network(plan.profiles, {"a": "resnet18", "b": "vgg16", "c": "alexnet"})

    assert "100 B instead of 300 B" in advised(plan, likeness=alike)[0]
    assert "keep up" in advised(plan, likeness=alike)[0]
    assert not any("Merge" in sentence for sentence in advised(plan, likeness=unlike))


def test_merging_that_helps_without_being_enough_is_told_as_that() -> None:
    # Memory and time are short: half of the frames are too many even when nothing is ever loaded.
    plan = Plan(ask("a", "b", "c", rate_fps=10), apart("a", "b", "c", run_ms=70), Budget(110, load_bytes_per_s=500))
    likeness = likeness_by_network(plan.profiles, dict.fromkeys("abc", "net"))

    (merging, *_) = advised(plan, likeness=likeness)

    assert "at most" in merging
    assert "of the frames would be in time" in merging


def test_a_shortage_of_time_is_told_with_the_share_of_the_rates_that_would_do() -> None:
    # Twice 16 frames/s of 45 ms each in batches of four, of 80 ms alone: more than all of the time.
    plan = Plan(ask("a", "b", rate_fps=16, deadline_ms=250), apart("a", "b", run_ms=80), Budget(10_000))

    (sentence,) = advised(plan)

    assert "of all frame rates" in sentence
    share = float(sentence.split("%")[0].split()[-1]) / 100
    slower = ask("a", "b", rate_fps=16 * share, deadline_ms=250)
    assert assess(Plan(slower, plan.profiles, plan.budget)).is_met


def test_of_a_query_that_is_about_to_be_added_its_own_rate_is_what_changes() -> None:
    queries = (*ask("a", rate_fps=5).queries, *ask("b", rate_fps=40).queries)
    plan = Plan(Workload(queries), apart("a", "b", run_ms=60), Budget(10_000))

    (sentence,) = advised(plan, subject="query-b", names={"query-b": "Night"})

    rate = float(sentence.split()[1])
    assert "for query Night instead of 40" in sentence
    slower = (*ask("a", rate_fps=5).queries, *ask("b", rate_fps=rate).queries)
    assert assess(Plan(Workload(slower), plan.profiles, plan.budget)).is_met


def test_a_deadline_shorter_than_a_run_is_told_as_that() -> None:
    plan = Plan(ask("a", deadline_ms=50), apart("a", run_ms=80), Budget(1_000))

    text = told(plan, Known({"query-a": "Night cars"}))

    assert "query Night cars will lose all of its frames." in text
    assert "80 ms" in text
    assert "50 ms" in text
    assert assess(plan).lost == {"query-a": 1.0}


def test_a_deadline_that_no_rate_can_help_is_told_to_be_longer() -> None:
    # Each load takes 250 ms and leaves 20 ms of the deadline for a run of 40 ms.
    plan = Plan(ask("a", "b", deadline_ms=270), apart("a", "b", run_ms=40), Budget(110, load_bytes_per_s=400))

    assert any("twice as long" in sentence or "budget" in sentence for sentence in advised(plan))


def test_a_budget_below_one_model_is_refused_not_assessed() -> None:
    with pytest.raises(BudgetTooSmall):
        assess(Plan(ask("a"), apart("a"), Budget(50)))


def test_a_box_without_queries_is_met() -> None:
    assert assess(Plan(Workload(()), apart("a"), Budget(200))).is_met


def test_one_query_beside_the_worst_is_one() -> None:
    sentence = verdict(Assessment(lost={"a": 0.5, "b": 0.2}), Known())
    assert sentence == "The box cannot keep up: query a will lose 50% of its frames, and 1 more query loses frames too."


@pytest.mark.parametrize("limit_bytes", [80_000_000, 160_000_000, 400_000_000])
def test_a_quick_look_agrees_with_a_long_and_fine_simulation(limit_bytes: int) -> None:
    models = tuple(network_of(f"m{number}", 80) for number in range(6))
    workload = ask(*(model.slot for model in models), rate_fps=4, deadline_ms=400)
    plan = Plan(workload, Profiles(models), Budget(limit_bytes, load_bytes_per_s=4e8))

    exact = simulate(workload, plan.profiles, plan.budget, seconds=20, warm_up_s=2)

    assert assess(plan).in_time == pytest.approx(exact.processed_fraction, abs=0.08)
    assert is_met(plan) == assess(plan).is_met


def test_coarse_profiles_hold_the_same_bytes_for_the_same_slots() -> None:
    shared = {f"shared{layer}": 1_000 + layer for layer in range(30)}
    models = [network_of(slot, 50) for slot in "ab"]
    profiles = Profiles(tuple(ModelProfile(m.slot, {**m.tensors, **shared}, m.batches) for m in models))

    small = coarse(profiles)

    for before, after in zip(profiles.models, small.models, strict=True):
        assert after.weight_bytes == before.weight_bytes
        assert len(after.tensors) < 30
    in_both = sum(small.models[0].tensors[piece] for piece in small.shared_digests())
    assert in_both == sum(shared.values())
