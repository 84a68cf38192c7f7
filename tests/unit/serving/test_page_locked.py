"""Page-locked memory without an accelerator: where tensors lie and which travel together is the same."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.serving.page_locked import PageLocked, runs, unpacked

SHAPES = st.lists(
    st.tuples(st.integers(0, 70_000), st.sampled_from([torch.float32, torch.float16, torch.int64])), max_size=12
)


@settings(max_examples=50, deadline=None)
@given(shapes=SHAPES, wanted=st.data())
def test_every_tensor_arrives_whole_and_in_memory_of_its_own(shapes, wanted) -> None:
    host = PageLocked(lock=False)
    given_tensors = [torch.randint(-9, 9, (size,)).to(dtype) for size, dtype in shapes]
    kept = [host.keep(tensor, tensor.dtype) for tensor in given_tensors]
    asked = wanted.draw(st.lists(st.sampled_from(range(len(kept))), unique=True)) if kept else []

    found = list(runs([kept[number] for number in asked]))
    copies = [copy for run in found for copy in unpacked(run, torch.clone)]

    assert sum(map(len, found)) == len(asked)
    for number, copy in zip(asked, copies, strict=True):
        assert torch.equal(copy, given_tensors[number])
        assert copy.dtype == given_tensors[number].dtype
        assert copy.untyped_storage().nbytes() == copy.nbytes
    places = [copy.data_ptr() for copy in copies if copy.numel()]
    assert len(set(places)) == len(places)


def test_small_tensors_travel_together_and_large_ones_alone() -> None:
    host = PageLocked(lock=False)
    sizes = [100, 300, 100_000, 7, 9]  # floats
    kept = [host.keep(torch.zeros(size), torch.float32) for size in sizes]

    assert [[tensor.numel() for tensor in run] for run in runs(kept)] == [[100, 300], [100_000], [7, 9]]
    assert [len(run) for run in runs([kept[0], kept[3], kept[4]])] == [1, 2]


def test_tensors_of_two_blocks_do_not_travel_together() -> None:
    kept = [PageLocked(lock=False).keep(torch.zeros(10), torch.float32) for _ in range(2)]

    assert [len(run) for run in runs(kept)] == [1, 1]


def test_weights_are_kept_in_the_networks_own_dtype() -> None:
    kept = PageLocked(lock=False).keep(torch.ones(3, dtype=torch.float16), torch.float32)

    assert kept.dtype == torch.float32
    assert torch.equal(kept, torch.ones(3))
