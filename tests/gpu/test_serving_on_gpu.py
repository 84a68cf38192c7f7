"""What only an accelerator shows of serving: page-locked copies on a stream of their own, and an enforced budget.

The CPU tests hold the rules: what is resident, what is evicted, which tensors travel together.
"""

import time

import pytest
import torch

from edge_runtime.serving.allocator import SLACK_BYTES
from edge_runtime.serving.answering import batch_of
from edge_runtime.serving.device_memory import DeviceMemory
from edge_runtime.serving.executor import Executor
from edge_runtime.serving.skeleton import Skeleton
from edge_runtime.serving.transfer import Source, transfer_to
from edge_runtime.vision.activations import activation_bytes
from edge_runtime.vision.architectures import load_weights, registry
from tests.simulators.serving_rig import SPEC, TINY, BundleOnShelf, frame_at, merged_with, picture, query_on, state_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
GPU = torch.device("cuda")
MIB = 2**20


@pytest.fixture(autouse=True)
def _tiny_models_and_no_limit_left_behind(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(registry._ENTRIES, TINY.name, TINY)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(GPU)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


def test_weights_are_sent_from_page_locked_memory_in_the_networks_own_dtype() -> None:
    transfer = transfer_to(GPU)
    ready = [transfer.ready(Source(torch.rand(size).half(), torch.float32)) for size in (10, 1_000_000, 20, 30)]

    copies = transfer.copy(ready)

    assert all(source.tensor.is_pinned() and source.tensor.dtype == torch.float32 for source in ready)
    for copy, source in zip(copies, ready, strict=True):
        assert copy.device.type == "cuda"
        assert torch.equal(copy.cpu(), source.tensor)


def test_swapped_models_answer_as_the_unswapped_ones_while_others_are_copied_ahead() -> None:
    shelf, first = BundleOnShelf(), state_of(1)
    states = [first, merged_with(first, state_of(2)), state_of(3)]
    skeletons = [Skeleton(SPEC, shelf.put(state), GPU) for state in states]
    whole = [load_weights(SPEC, state).eval().to(GPU) for state in states]
    batch = batch_of([picture(1), picture(2)], SPEC, GPU)
    memory = DeviceMemory(budget_bytes=100 * MIB, overhead_bytes=0, transfer=transfer_to(GPU))
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        for number in [0, 1, 2, 1, 0, 2] * 3:
            following = skeletons[(number + 1) % 3]
            memory.load(skeletons[number], shelf.tensor)
            memory.attach(skeletons[number])
            lacking = tuple(key for key in following.wanted if key not in memory.resident())
            memory.copy_ahead(following, lacking, shelf.tensor)
            with torch.inference_mode():
                assert torch.equal(skeletons[number].module.eval()(batch), whole[number](batch))
            memory.evict([key for key in skeletons[number].wanted if key not in following.wanted])
    finally:
        torch.use_deterministic_algorithms(False)


def test_the_account_is_what_the_allocator_holds_but_for_its_rounding() -> None:
    shelf = BundleOnShelf()
    skeleton = Skeleton(SPEC, shelf.put(state_of(1)), GPU)
    memory = DeviceMemory(budget_bytes=100 * MIB, overhead_bytes=0, transfer=transfer_to(GPU))
    torch.cuda.synchronize(GPU)
    before = torch.cuda.memory_allocated(GPU)

    memory.load(skeleton, shelf.tensor)

    grown = torch.cuda.memory_allocated(GPU) - before
    assert memory.held_bytes <= grown <= memory.held_bytes + 512 * len(skeleton.wanted)
    memory.attach(skeleton)
    assert activation_bytes(skeleton.module, batch_of([picture()], SPEC, GPU)) > 0
    memory.evict(list(skeleton.wanted))
    torch.cuda.synchronize(GPU)
    assert torch.cuda.memory_allocated(GPU) <= before + MIB


def test_an_executor_answers_within_its_budget_and_is_refused_more() -> None:
    overhead_bytes, budget_bytes = 400 * MIB, 600 * MIB
    shelf, answered = BundleOnShelf(), []
    for seed, slot in enumerate(("cars", "people")):
        shelf.add(slot, state_of(seed))
    executor = Executor(
        budget_bytes=budget_bytes, overhead_bytes=overhead_bytes, device="cuda", on_result=answered.append
    )
    try:
        queries = [query_on(slot, deadline_ms=5_000) for slot in ("cars", "people")]
        executor.activate(executor.prepare(shelf.manifest(), queries, shelf.tensor))
        executor.offer(frame_at(time.monotonic()))
        ends_at = time.monotonic() + 30
        while len(answered) < 2 and time.monotonic() < ends_at:
            time.sleep(0.01)
        with pytest.raises(torch.OutOfMemoryError):
            torch.empty(budget_bytes, dtype=torch.uint8, device=GPU)
        assert len(answered) == 2
        assert torch.cuda.max_memory_reserved(GPU) <= budget_bytes - overhead_bytes + SLACK_BYTES
        assert executor.warnings() == ()
    finally:
        executor.stop()
