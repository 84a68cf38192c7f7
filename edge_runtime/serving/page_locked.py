"""Weights in page-locked host memory, from where a CUDA device fetches them by itself, and what goes together.

Only `PageLocked` needs an accelerator, and only to lock the pages; without, the same code works on ordinary memory.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

_BLOCK_BYTES = 64 * 2**20  # a power of two: torch rounds page-locked memory up to one
_ALIGNMENT = 64  # a cache line, and enough for any dtype and kernel
# Sending a tensor costs more than these bytes do. A network has hundreds of them, all of its normalisation among them.
SMALL_BYTES = 16 * 1024


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
        self._used_bytes += -(-size_bytes // _ALIGNMENT) * _ALIGNMENT
        return window.view(dtype).view(tensor.shape).copy_(tensor)


def sent(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    """Each of `tensors` on `device`, in order, perhaps still on its way there.

    Large ones in an allocation of their own. Small ones of one dtype go as one block, and stay parts of it: the device
    gives the block's memory back with the last of them.
    """
    copies: list[Tensor] = list(tensors)
    large = [number for number, tensor in enumerate(tensors) if tensor.nbytes > SMALL_BYTES]
    if large:
        arriving = [torch.empty_like(tensors[number], device=device) for number in large]
        torch._foreach_copy_(arriving, [tensors[number] for number in large], non_blocking=True)
        for number, copy in zip(large, arriving, strict=True):
            copies[number] = copy
    for numbers in _small_by_dtype(tensors):
        for number, copy in zip(numbers, _as_one([tensors[number] for number in numbers], device), strict=True):
            copies[number] = copy
    return copies


def _small_by_dtype(tensors: Sequence[Tensor]) -> Iterator[list[int]]:
    """Their places in `tensors`."""
    found: dict[torch.dtype, list[int]] = {}
    for number, tensor in enumerate(tensors):
        if tensor.nbytes <= SMALL_BYTES:
            found.setdefault(tensor.dtype, []).append(number)
    yield from found.values()


def _as_one(tensors: Sequence[Tensor], device: torch.device) -> list[Tensor]:
    step = _ALIGNMENT // tensors[0].itemsize
    filling = torch.zeros(step, dtype=tensors[0].dtype)
    pieces: list[Tensor] = []
    for tensor in tensors:
        size = tensor.numel()
        pieces += (tensor.view(-1), filling[: -size % step])
    sizes = [len(piece) for piece in pieces]
    block = torch.empty(sum(sizes), dtype=filling.dtype, pin_memory=device.type == "cuda")
    parts = torch.cat(pieces, out=block).to(device, non_blocking=True).split(sizes)[::2]
    return [part if tensor.dim() == 1 else part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]
