"""What is resident on the compute device: one store of tensors under one hard budget, each held once.

Owns residence, the pointers into it and the account of bytes. Decides nothing: the scheduler names what to evict and
load. Used by one thread; only `take_peak` may be called from another, and it takes the lock.
"""

import threading
from collections.abc import Callable, Collection, Container, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import TensorEntry
from edge_runtime.protocol.sizes import format_size
from edge_runtime.serving.skeleton import Skeleton, Wanted
from edge_runtime.serving.transfer import Source, Transfer

TensorSource = Callable[[TensorEntry], Tensor]


class BudgetExceeded(GemelError):
    """What was asked for does not fit beside what is there; nothing was loaded."""

    code = "budget_exceeded"

    def __init__(self, wanted_bytes: int, free_bytes: int) -> None:
        super().__init__(
            f"{format_size(wanted_bytes)} were wanted where {format_size(free_bytes)} of the memory budget are free. "
            "Nothing was loaded."
        )


@dataclass(frozen=True)
class Usage:
    """Bytes at one moment. private + shared + activations + overhead + free == budget."""

    budget: int
    private: int
    shared: int
    activations: int
    overhead: int

    @property
    def free(self) -> int:
        return self.budget - self.private - self.shared - self.activations - self.overhead


@dataclass
class _Held:
    tensor: Tensor
    size_bytes: int
    holders: list[Skeleton] = field(default_factory=list)


class DeviceMemory:
    def __init__(self, *, budget_bytes: int, overhead_bytes: int, transfer: Transfer) -> None:
        self.budget_bytes = budget_bytes
        self.overhead_bytes = overhead_bytes
        self._transfer = transfer
        self._held: dict[str, _Held] = {}
        self._weight_bytes = 0
        self._activation_bytes = 0
        self._shared: Collection[str] = frozenset()
        self._lock = threading.Lock()
        self._peak = self._usage()

    @property
    def free_bytes(self) -> int:
        return self.budget_bytes - self.overhead_bytes - self._weight_bytes - self._activation_bytes

    def resident(self) -> dict[str, int]:
        """Bytes of each resident tensor by key."""
        return {key: held.size_bytes for key, held in self._held.items()}

    def missing_bytes(self, skeleton: Skeleton) -> int:
        return sum(tensor.size_bytes for key, tensor in skeleton.wanted.items() if key not in self._held)

    def load(self, skeleton: Skeleton, keys: Iterable[str], source: TensorSource) -> int:
        """Makes `keys` of `skeleton` resident and returns the bytes copied; resident ones are left as they are.

        Raises BudgetExceeded, and whatever `source` raises; then nothing is resident that was not before.
        """
        wanted = [skeleton.wanted[key] for key in keys if key not in self._held]
        size_bytes = sum(tensor.size_bytes for tensor in wanted)
        if size_bytes > self.free_bytes:
            raise BudgetExceeded(size_bytes, self.free_bytes)
        copies = self._transfer.copy([Source(source(tensor.entry), tensor.dtype) for tensor in wanted])
        self._keep(wanted, copies)
        return size_bytes

    def _keep(self, wanted: list[Wanted], copies: list[Tensor]) -> None:
        measured = [copy.untyped_storage().nbytes() for copy in copies]
        if sum(measured) > self.free_bytes:  # the sources were larger than the manifest says
            raise BudgetExceeded(sum(measured), self.free_bytes)
        with self._lock:
            for tensor, copy, size_bytes in zip(wanted, copies, measured, strict=True):
                self._held[tensor.key] = _Held(copy, size_bytes)
            self._weight_bytes += sum(measured)
            self._note_peak()

    def attach(self, skeleton: Skeleton) -> None:
        """Points `skeleton` at its tensors, all of which must be resident."""
        if skeleton.is_complete:
            return
        for key in skeleton.wanted:
            held = self._held[key]
            if skeleton not in held.holders:
                skeleton.attach(key, held.tensor)
                held.holders.append(skeleton)

    def detach(self, skeleton: Skeleton) -> None:
        """Takes all pointers from `skeleton`; what it used stays resident."""
        for key in skeleton.wanted:
            held = self._held.get(key)
            if held is not None and skeleton in held.holders:
                held.holders.remove(skeleton)
                skeleton.detach(key)

    def evict(self, keys: Iterable[str]) -> None:
        """Drops the pointers to `keys` and with them the memory; keys that are not resident are ignored."""
        with self._lock:
            for key in keys:
                held = self._held.pop(key, None)
                if held is not None:
                    self._weight_bytes -= held.size_bytes
                    for skeleton in held.holders:
                        skeleton.detach(key)

    def make_room(self, size_bytes: int, keep: Container[str]) -> None:
        """Evicts what came first, but nothing in `keep`, until `size_bytes` are free or nothing else is left."""
        for key in list(self._held):
            if self.free_bytes >= size_bytes:
                return
            if key not in keep:
                self.evict([key])

    @contextmanager
    def activations(self, size_bytes: int) -> Iterator[None]:
        """Reserves what a run needs beside the weights. Raises BudgetExceeded."""
        if size_bytes > self.free_bytes:
            raise BudgetExceeded(size_bytes, self.free_bytes)
        with self._lock:
            self._activation_bytes += size_bytes
            self._note_peak()
        try:
            yield
        finally:
            with self._lock:
                self._activation_bytes -= size_bytes

    def set_shared(self, keys: Collection[str]) -> None:
        """Which tensors several models of the current bundle use."""
        with self._lock:
            self._shared = keys
            self._peak = self._usage()

    def take_peak(self) -> Usage:
        """The moment of highest use since the last call: a budget is judged by its peak, not by its mean."""
        with self._lock:
            peak, self._peak = self._peak, self._usage()
            return peak

    def _note_peak(self) -> None:
        if self.free_bytes < self._peak.free:
            self._peak = self._usage()

    def _usage(self) -> Usage:
        shared = sum(held.size_bytes for key, held in self._held.items() if key in self._shared)
        return Usage(
            budget=self.budget_bytes,
            private=self._weight_bytes - shared,
            shared=shared,
            activations=self._activation_bytes,
            overhead=self.overhead_bytes,
        )
