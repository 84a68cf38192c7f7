"""Page-locked memory without an accelerator: where tensors lie and which travel together is the same."""

import itertools

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.serving.page_locked import SMALL_BYTES, PageLocked, sent

CPU = torch.device("cpu")
SHAPES = st.lists(
    st.tuples(st.integers(0, 70_000), st.sampled_from([torch.float32, torch.float16, torch.int64])), max_size=12
)


@settings(max_examples=50, deadline=None)
@given(shapes=SHAPES, wanted=st.data())
def test_every_tensor_arrives_whole_and_beside_the_others(shapes, wanted) -> None:
    host = PageLocked(lock=False)
    given_tensors = [torch.randint(-9, 9, (size,)).to(dtype) for size, dtype in shapes]
    kept = [host.keep(tensor, tensor.dtype) for tensor in given_tensors]
    asked = wanted.draw(st.lists(st.sampled_from(range(len(kept))), unique=True)) if kept else []

    copies, _ = sent([kept[number] for number in asked], CPU)

    for number, copy in zip(asked, copies, strict=True):
        assert torch.equal(copy, given_tensors[number])
        assert copy.dtype == given_tensors[number].dtype
        if copy.numel():  # an empty one lies nowhere
            assert copy.untyped_storage().data_ptr() != kept[number].untyped_storage().data_ptr()
    spans = sorted((copy.data_ptr(), copy.data_ptr() + copy.nbytes) for copy in copies if copy.numel())
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(spans))


def test_small_tensors_of_a_dtype_travel_together_and_large_ones_alone() -> None:
    large = SMALL_BYTES // 4 + 1
    tensors = [torch.rand(100), torch.rand(large), torch.rand(3, 7), torch.ones(5, dtype=torch.int64), torch.rand(())]

    copies, allocations = sent(tensors, CPU)

    one, alone, matrix, counted, scalar = [copy.untyped_storage().data_ptr() for copy in copies]
    assert one == matrix == scalar
    assert {one, alone, counted} == {held.untyped_storage().data_ptr() for held in allocations}
    assert len(allocations) == 3
    assert copies[1].untyped_storage().nbytes() == copies[1].nbytes
    assert all(torch.equal(copy, tensor) for copy, tensor in zip(copies, tensors, strict=True))


def test_what_travels_together_lies_as_kernels_want_it() -> None:
    copies, _ = sent([torch.rand(size) for size in (1, 33, 7)], CPU)

    start = copies[0].data_ptr()
    assert all((copy.data_ptr() - start) % 64 == 0 for copy in copies)


def test_nothing_to_send_is_nothing() -> None:
    assert sent([], CPU) == ([], [])


def test_weights_are_kept_in_the_networks_own_dtype() -> None:
    kept = PageLocked(lock=False).keep(torch.ones(3, dtype=torch.float16), torch.float32)

    assert kept.dtype == torch.float32
    assert torch.equal(kept, torch.ones(3))
