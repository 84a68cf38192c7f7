"""Weights in page-locked host memory, from where a CUDA device fetches them by itself, and which of them go together.

Only `PageLocked` needs an accelerator, and only to lock the pages; without, the same code works on ordinary memory.
"""

from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

_BLOCK_BYTES = 64 * 2**20  # a power of two: torch rounds page-locked memory up to one
_ALIGNMENT = 64  # a cache line, and enough for any dtype
_SMALL_BYTES = 256 * 1024  # below it starting a transfer takes longer than the transfer
_RUN_BYTES = 4 * 2**20  # of small tensors: as much device memory is used twice while they are unpacked


class PageLocked:
    """Tensors one behind the other in large blocks, each given back when the last tensor in it is let go."""

    def __init__(self, lock: bool = True) -> None:
        self._lock = lock
        self._block = torch.empty(0, dtype=torch.uint8)
        self._used_bytes = 0

    def keep(self, tensor: Tensor, dtype: torch.dtype) -> Tensor:
        """A copy of `tensor`, contiguous, as `dtype`."""
        size_bytes = tensor.numel() * dtype.itemsize
        if self._used_bytes + size_bytes > self._block.numel():
            self._block = torch.empty(max(size_bytes, _BLOCK_BYTES), dtype=torch.uint8, pin_memory=self._lock)
            self._used_bytes = 0
        window = self._block[self._used_bytes : self._used_bytes + size_bytes]
        self._used_bytes += _aligned(size_bytes)
        return window.view(dtype).view(tensor.shape).copy_(tensor)


def runs(tensors: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """`tensors` in order, small ones that lie one behind the other in one block together."""
    run: list[Tensor] = []
    for tensor in tensors:
        if run and not (_is_next(run[-1], tensor) and _span_bytes([run[0], tensor]) <= _RUN_BYTES):
            yield run
            run = []
        run.append(tensor)
    if run:
        yield run


def unpacked(run: Sequence[Tensor], send: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """Each of `run` in an allocation of its own on the device that `send` copies to, which is called once."""
    start, size_bytes = _begin(run[0]), _span_bytes(run)
    sent = send(torch.empty(0, dtype=torch.uint8).set_(run[0].untyped_storage(), start, (size_bytes,), (1,)))
    parts = []
    for tensor in run:
        begin = _begin(tensor) - start
        parts.append(sent[begin : begin + tensor.nbytes].view(tensor.dtype).view(tensor.shape))
    copies = [torch.empty_like(part) for part in parts]
    torch._foreach_copy_(copies, parts)  # a few kernels for all of them
    return copies


def _is_next(one: Tensor, other: Tensor) -> bool:
    is_small = max(one.nbytes, other.nbytes) <= _SMALL_BYTES
    follows = _begin(other) == _begin(one) + _aligned(one.nbytes)
    return is_small and follows and one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()


def _span_bytes(run: Sequence[Tensor]) -> int:
    return _begin(run[-1]) + run[-1].nbytes - _begin(run[0])


def _begin(tensor: Tensor) -> int:
    """Bytes from the start of its block."""
    return int(tensor.storage_offset()) * tensor.itemsize


def _aligned(size_bytes: int) -> int:
    return -(-size_bytes // _ALIGNMENT) * _ALIGNMENT
