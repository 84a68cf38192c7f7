"""How weights reach the compute device: one implementation per kind of device, and a link that can be slowed down.

Tensors are copied one by one, not as one block of a model: a shared layer outlives the models that brought it, and
device memory can only be given back allocation by allocation. On CUDA small ones travel and stay together, because
sending them one by one costs more than their bytes.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from edge_runtime.serving.page_locked import PageLocked, sent

_AT_ONCE_S = 0.001


@dataclass(frozen=True)
class Source:
    """A CPU tensor, usually mapped from a file, and the dtype it shall have on the device."""

    tensor: Tensor
    dtype: torch.dtype

    @property
    def size_bytes(self) -> int:
        return self.tensor.numel() * self.dtype.itemsize


class Transfer(Protocol):
    def ready(self, source: Source) -> Source:
        """What stays on the host for as long as `source` may be copied again and again."""

    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        """Private copies on the device, contiguous, complete on return. `sources` are `ready`."""


class HostTransfer:
    """CPU: every byte is read from the map and written to memory of our own, so first touch is part of the swap."""

    def ready(self, source: Source) -> Source:
        """The map itself: its pages belong to the system, which takes them back when it needs them."""
        return source

    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        tensors = [source.tensor.to(source.dtype) for source in sources]
        # One call, so that the interpreter's lock changes hands once and not for every small tensor: beside a running
        # model a quarter of a megabyte in 30 tensors took up to 13 ms instead of 1.
        return list(torch._foreach_clone(tensors)) if tensors else []


class CudaTransfer:
    """CUDA: from page-locked memory, back to back, on a stream of its own."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._host = PageLocked()

    def ready(self, source: Source) -> Source:
        """In page-locked memory and in the network's dtype, so that a swap needs no work of the CPU."""
        return Source(self._host.keep(source.tensor, source.dtype), source.dtype)

    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        with torch.cuda.stream(self._stream):
            copies, allocations = sent([source.tensor for source in sources], self._device)
        self._stream.synchronize()
        using = torch.cuda.current_stream(self._device)
        for allocation in allocations:
            allocation.record_stream(using)
        return copies


def transfer_to(device: torch.device) -> Transfer:
    return CudaTransfer(device) if device.type == "cuda" else HostTransfer()


class LimitedTransfer:
    """`transfer` behind a link of `bytes_per_s`: a copy that was faster waits out the rest.

    For measuring what a slower link would do; `pause` is given seconds and may return early (when stopping). Copies
    that follow each other at once go back to back, as a link would send them: waking up late costs none of its time.
    """

    def __init__(
        self,
        transfer: Transfer,
        bytes_per_s: float,
        *,
        pause: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transfer, self._bytes_per_s, self._pause, self._clock = transfer, bytes_per_s, pause, clock
        self._ends_at = self._returned_at = -math.inf

    def ready(self, source: Source) -> Source:
        return self._transfer.ready(source)

    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        called_at = self._clock()
        begins_at = self._ends_at if called_at - self._returned_at <= _AT_ONCE_S else called_at
        copies = self._transfer.copy(sources)
        copied_at = self._clock()
        self._ends_at = max(begins_at + sum(source.size_bytes for source in sources) / self._bytes_per_s, copied_at)
        if self._ends_at > copied_at:
            self._pause(self._ends_at - copied_at)
        self._returned_at = self._clock()
        return copies
