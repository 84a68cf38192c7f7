"""How weights reach the compute device: one implementation per kind of device, and a link that can be slowed down.

Tensors are copied one by one, not as one block of a model: a shared layer outlives the models that brought it, and
device memory can only be given back allocation by allocation.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

_ALIGNMENT = 64  # bytes between tensors in the staging buffer: a cache line, and enough for any dtype


@dataclass(frozen=True)
class Source:
    """A CPU tensor, usually mapped from a file, and the dtype it shall have on the device."""

    tensor: Tensor
    dtype: torch.dtype

    @property
    def size_bytes(self) -> int:
        return self.tensor.numel() * self.dtype.itemsize


class Transfer(Protocol):
    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        """Private copies on the device, contiguous, complete on return."""


class HostTransfer:
    """CPU: every byte is read from the map and written to memory of our own, so first touch is part of the swap."""

    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        return [torch.empty(source.tensor.shape, dtype=source.dtype).copy_(source.tensor) for source in sources]


class CudaTransfer:
    """CUDA: gathered in page-locked memory, then sent back to back on a stream of its own."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._staging = torch.empty(0, dtype=torch.uint8, pin_memory=True)

    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        staged = [self._stage(source, start) for source, start in zip(sources, self._starts(sources), strict=True)]
        with torch.cuda.stream(self._stream):
            copies = [tensor.to(self._device, non_blocking=True) for tensor in staged]
        self._stream.synchronize()  # the staging buffer is used again by the next call
        for copy in copies:
            copy.record_stream(torch.cuda.current_stream(self._device))
        return copies

    def _starts(self, sources: Sequence[Source]) -> list[int]:
        starts, end = [], 0
        for source in sources:
            starts.append(end)
            end += -(-source.size_bytes // _ALIGNMENT) * _ALIGNMENT
        if end > self._staging.numel():
            self._staging = torch.empty(end, dtype=torch.uint8, pin_memory=True)
        return starts

    def _stage(self, source: Source, start: int) -> Tensor:
        window = self._staging[start : start + source.size_bytes].view(source.dtype)
        return window.view(source.tensor.shape).copy_(source.tensor)


def transfer_to(device: torch.device) -> Transfer:
    return CudaTransfer(device) if device.type == "cuda" else HostTransfer()


@dataclass(frozen=True)
class LimitedTransfer:
    """`transfer` behind a link of `bytes_per_s`: a copy that was faster waits out the rest.

    For measuring what a slower link would do; `pause` is given seconds and may return early (when stopping).
    """

    transfer: Transfer
    bytes_per_s: float
    pause: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        started_at = self.clock()
        copies = self.transfer.copy(sources)
        size_bytes = sum(source.size_bytes for source in sources)
        rest_s = size_bytes / self.bytes_per_s - (self.clock() - started_at)
        if rest_s > 0:
            self.pause(rest_s)
        return copies
