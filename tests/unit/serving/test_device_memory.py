import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.serving.device_memory import BudgetExceeded, DeviceMemory
from edge_runtime.serving.skeleton import Skeleton, WeightsIncomplete
from edge_runtime.serving.transfer import HostTransfer
from tests.simulators.serving_rig import SPEC, BundleOnShelf, merged_with, state_of

CPU = torch.device("cpu")
OVERHEAD = 1_000


def memory_of(budget_bytes: int) -> DeviceMemory:
    return DeviceMemory(budget_bytes=budget_bytes, overhead_bytes=OVERHEAD, transfer=HostTransfer())


@pytest.fixture
def skeletons(shelf: BundleOnShelf) -> list[Skeleton]:
    """Two that share their convolutions and one on its own."""
    first = state_of(1)
    states = [first, merged_with(first, state_of(2)), state_of(3)]
    return [Skeleton(SPEC, shelf.put(state), CPU) for state in states]


def bring_in(memory: DeviceMemory, skeleton: Skeleton, shelf: BundleOnShelf) -> int:
    size_bytes = memory.load(skeleton, shelf.tensor)
    memory.attach(skeleton)
    return size_bytes


def test_a_skeleton_has_no_memory_until_its_tensors_are_resident(shelf, skeletons) -> None:
    assert {tensor.device.type for tensor in skeletons[0].module.parameters()} == {"meta"}

    bring_in(memory_of(50_000_000), skeletons[0], shelf)

    assert {tensor.device.type for tensor in skeletons[0].module.parameters()} == {"cpu"}


def test_a_shared_layer_is_one_storage_in_both_models_and_is_copied_once(shelf, skeletons) -> None:
    memory = memory_of(50_000_000)
    whole = bring_in(memory, skeletons[0], shelf)

    missing = bring_in(memory, skeletons[1], shelf)

    one, other = (skeleton.module.conv3.weight for skeleton in skeletons[:2])
    assert one.data_ptr() == other.data_ptr()
    assert missing < whole / 50
    assert skeletons[0].module.bn1.weight.data_ptr() != skeletons[1].module.bn1.weight.data_ptr()


def test_bytes_in_the_account_are_those_of_the_distinct_storages(shelf, skeletons) -> None:
    memory = memory_of(50_000_000)
    for skeleton in skeletons:
        bring_in(memory, skeleton, shelf)

    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for skeleton in skeletons
        for name, tensor in skeleton.module.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    # Equal content is one storage even inside a model, hence distinct storages on both sides.
    assert sum(memory.resident().values()) == sum(storages.values())


def test_evicting_takes_the_pointers_and_gives_the_bytes_back(shelf, skeletons) -> None:
    memory = memory_of(50_000_000)
    free = memory.free_bytes
    bring_in(memory, skeletons[0], shelf)

    memory.evict(list(skeletons[0].wanted))

    assert memory.free_bytes == free
    assert {tensor.device.type for tensor in skeletons[0].module.parameters()} == {"meta"}


def test_a_load_over_the_budget_is_refused_and_changes_nothing(shelf, skeletons) -> None:
    memory = memory_of(skeletons[0].weight_bytes + OVERHEAD)
    bring_in(memory, skeletons[0], shelf)
    before = memory.resident()

    with pytest.raises(BudgetExceeded):
        memory.load(skeletons[2], shelf.tensor)

    assert memory.resident() == before


def test_activations_over_the_budget_are_refused(shelf, skeletons) -> None:
    memory = memory_of(skeletons[0].weight_bytes + OVERHEAD + 10)
    bring_in(memory, skeletons[0], shelf)

    with memory.activations(10), pytest.raises(BudgetExceeded), memory.activations(1):
        pass

    assert memory.free_bytes == 10


def test_a_source_that_fails_leaves_memory_as_it_was(shelf, skeletons) -> None:
    memory = memory_of(50_000_000)

    def missing_file(entry):
        raise FileNotFoundError(entry.digest)

    with pytest.raises(FileNotFoundError):
        memory.load(skeletons[0], missing_file)

    assert memory.resident() == {}
    assert memory.take_peak().free == 50_000_000 - OVERHEAD


def test_the_sample_shows_the_fullest_moment_split_into_private_and_shared(shelf, skeletons) -> None:
    memory = memory_of(50_000_000)
    shared = set(skeletons[0].wanted) & set(skeletons[1].wanted)
    memory.set_shared(shared)
    for skeleton in skeletons[:2]:
        bring_in(memory, skeleton, shelf)
    with memory.activations(700):
        pass
    memory.evict(list(skeletons[1].wanted))

    peak, after = memory.take_peak(), memory.take_peak()

    shared_bytes = sum(skeletons[0].wanted[key].size_bytes for key in shared)
    assert peak.shared == shared_bytes
    assert peak.private == sum(skeleton.weight_bytes - shared_bytes for skeleton in skeletons[:2])
    assert peak.activations == 700
    assert (after.shared, after.activations) == (0, 0)


def test_a_tensor_is_asked_for_once_however_often_it_is_swapped_until_it_is_forgotten(shelf, skeletons) -> None:
    memory, asked = memory_of(50_000_000), []

    def source(entry):
        asked.append(entry.digest)
        return shelf.tensor(entry)

    for _ in range(3):
        memory.load(skeletons[0], source)
        memory.evict(list(skeletons[0].wanted))
    assert len(asked) == len(skeletons[0].wanted)

    memory.forget(keep=list(skeletons[0].wanted)[1:])
    memory.load(skeletons[0], source)
    assert len(asked) == len(skeletons[0].wanted) + 1


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(st.tuples(st.sampled_from(["load", "evict", "run"]), st.integers(0, 2)), max_size=12))
def test_never_holds_more_than_the_budget_and_always_adds_up(shelf, skeletons, moves) -> None:
    budget = int(1.5 * skeletons[0].weight_bytes)
    memory = memory_of(budget)
    memory.set_shared(set(skeletons[0].wanted) & set(skeletons[1].wanted))
    for move, number in moves:
        try:
            if move == "load":
                bring_in(memory, skeletons[number], shelf)
            elif move == "evict":
                memory.evict(list(skeletons[number].wanted))
            else:
                with memory.activations(skeletons[0].weight_bytes // 4):
                    pass
        except BudgetExceeded:
            assert move != "evict"
        held = sum(memory.resident().values())
        peak = memory.take_peak()
        assert held + OVERHEAD <= budget
        assert peak.free >= 0
        assert min(peak.private, peak.shared, peak.activations) >= 0
        assert peak.private + peak.shared + peak.activations + peak.overhead + peak.free == peak.budget
    for skeleton in skeletons:
        memory.evict(list(skeleton.wanted))


@pytest.mark.parametrize("damage", ["missing", "unexpected", "misshaped"])
def test_tensors_that_do_not_make_up_the_network_are_refused(shelf: BundleOnShelf, damage: str) -> None:
    state = state_of(1)
    if damage == "missing":
        del state["fc.bias"]
    elif damage == "unexpected":
        state["fc2.bias"] = torch.zeros(2)
    else:
        state["fc.bias"] = torch.zeros(5)

    with pytest.raises(WeightsIncomplete, match="fc"):
        Skeleton(SPEC, shelf.put(state), CPU)


def test_tensors_of_equal_bytes_and_other_shape_are_held_once_and_fit_both_places(shelf: BundleOnShelf) -> None:
    state = {name: torch.zeros_like(tensor) for name, tensor in state_of(1).items()}
    skeleton = Skeleton(SPEC, shelf.put(state), CPU)

    bring_in(memory_of(50_000_000), skeleton, shelf)

    assert skeleton.module.fc.weight.shape == (2, 128)
    assert skeleton.module.bn1.weight.shape == (16,)
    assert len(skeleton.wanted) < len(state)
