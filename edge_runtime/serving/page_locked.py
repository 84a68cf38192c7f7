"""Weights in page-locked host memory, from where a CUDA device fetches them by itself, and what goes together.

Only `PageLocked` needs an accelerator, and only to lock the pages; without, the same code works on ordinary memory.
"""

from collections.abc import Collection, Sequence

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


def sent(tensors: Sequence[Tensor], device: torch.device) -> tuple[list[Tensor], list[Tensor]]:
    """Each of `tensors` on `device`, in order, perhaps still on its way there; and the allocations that hold them.

    Large ones in an allocation of their own. Small ones of one dtype go as one block, and stay parts of it: the device
    gives the block's memory back with the last of them.
    """
    copies: list[Tensor] = list(tensors)
    large, small = _by_size(tensors)
    allocations = [torch.empty_like(tensors[number], device=device) for number in large]
    if large:
        torch._foreach_copy_(allocations, [tensors[number] for number in large], non_blocking=True)
    for number, copy in zip(large, allocations, strict=True):
        copies[number] = copy
    for numbers in small:  # the device fetches the large ones meanwhile
        block, parts = _as_one([tensors[number] for number in numbers], device)
        allocations.append(block)
        for number, part in zip(numbers, parts, strict=True):
            copies[number] = part
    return copies, allocations


def _by_size(tensors: Sequence[Tensor]) -> tuple[list[int], Collection[list[int]]]:
    """Places of the large ones, and of the small ones of each dtype."""
    large: list[int] = []
    small: dict[torch.dtype, list[int]] = {}
    for number, tensor in enumerate(tensors):
        if tensor.nbytes > SMALL_BYTES:
            large.append(number)
        else:
            small.setdefault(tensor.dtype, []).append(number)
    return large, small.values()


def _as_one(tensors: Sequence[Tensor], device: torch.device) -> tuple[Tensor, list[Tensor]]:
    """The block and its parts, each with the shape of its tensor."""
    dtype = tensors[0].dtype
    step = _ALIGNMENT // dtype.itemsize
    filling = torch.zeros(step, dtype=dtype)
    pieces, sizes, places = list[Tensor](), list[int](), list[int]()
    for tensor in tensors:
        size = tensor.numel()
        places.append(len(pieces))
        pieces.append(tensor if tensor.dim() == 1 else tensor.view(-1))
        sizes.append(size)
        if size % step:
            pieces.append(filling[: -size % step])
            sizes.append(-size % step)
    block = torch.empty(sum(sizes), dtype=dtype, pin_memory=device.type == "cuda")
    block = torch.cat(pieces, out=block).to(device, non_blocking=True)
    parts = block.split(sizes)
    shaped = zip(places, tensors, strict=True)
    return block, [parts[place] if tensor.dim() == 1 else parts[place].view(tensor.shape) for place, tensor in shaped]
