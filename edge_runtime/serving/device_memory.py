"""What is resident on the compute device: one store of tensors under one hard budget, each held once.

Owns residence, the pointers into it and the account of bytes. Decides nothing: the scheduler names what to evict and
load. Used by one thread; only `take_peak` may be called from another, and it takes the lock. A thread of its own copies
what is wanted ahead: those bytes are taken from the budget before the copy begins, and count as resident from then on.
What a tensor is copied from is made ready once and kept until `forget`: opening and mapping 121 files at every swap of
a 6 MiB model took three quarters of its time.
"""

import threading
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from torch import Tensor

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import TensorEntry
from edge_runtime.protocol.sizes import format_size
from edge_runtime.scheduling.link import chunks
from edge_runtime.serving.copying_ahead import CopyingAhead
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
    """`tensor` is None while it is on its way."""

    tensor: Tensor | None
    size_bytes: int
    holders: list[Skeleton] = field(default_factory=list)


@dataclass(frozen=True)
class _Ahead:
    wanted: Sequence[Wanted]
    source: TensorSource


class DeviceMemory:
    """`copies_ahead`: whether `copy_ahead` does anything. `copied_bytes` have been copied altogether."""

    def __init__(
        self, *, budget_bytes: int, overhead_bytes: int, transfer: Transfer, copies_ahead: bool = True
    ) -> None:
        self.budget_bytes = budget_bytes
        self.overhead_bytes = overhead_bytes
        self.copied_bytes = 0
        self.copies_ahead = copies_ahead
        self._transfer = transfer
        self._ahead: CopyingAhead[_Ahead] = CopyingAhead(self._reserve, self._fetch)
        self._held: dict[str, _Held] = {}
        self._sources: dict[str, Source] = {}
        self._weight_bytes = 0
        self._activation_bytes = 0
        self._shared: Collection[str] = frozenset()
        self._lock = threading.Lock()
        self._peak = self._usage()

    @property
    def free_bytes(self) -> int:
        return self.budget_bytes - self.overhead_bytes - self.held_bytes

    @property
    def held_bytes(self) -> int:
        """Of weights and activations."""
        return self._weight_bytes + self._activation_bytes

    def resident(self) -> dict[str, int]:
        """Bytes of each resident tensor by key. Nothing else becomes resident until the next call of a method here."""
        self._ahead.call_off()
        with self._lock:
            return {key: held.size_bytes for key, held in self._held.items()}

    def missing_bytes(self, skeleton: Skeleton) -> int:
        return sum(tensor.size_bytes for key, tensor in skeleton.wanted.items() if key not in self._held)

    def settle(self, skeleton: Skeleton) -> bool:
        """Waits for the copy at hand where `skeleton` needs it, or needs the link; says whether it had to."""
        self._ahead.call_off()
        lacks = any(held is None or held.tensor is None for held in map(self._held.get, skeleton.wanted))
        return lacks and self._ahead.wait()

    def load(self, skeleton: Skeleton, source: TensorSource) -> int:
        """Makes all of `skeleton` resident and returns the bytes copied now.

        Raises BudgetExceeded, and whatever `source` raises; then nothing is resident that was not before.
        """
        self.settle(skeleton)
        wanted = [wanted for key, wanted in skeleton.wanted.items() if key not in self._held]
        size_bytes = sum(tensor.size_bytes for tensor in wanted)
        if size_bytes > self.free_bytes:
            raise BudgetExceeded(size_bytes, self.free_bytes)
        copies = self._transfer.copy([self._source(tensor, source) for tensor in wanted])
        measured = [copy.nbytes for copy in copies]
        if sum(measured) > self.free_bytes:  # the sources were larger than the manifest says
            raise BudgetExceeded(sum(measured), self.free_bytes)
        with self._lock:
            for tensor, copy, held_bytes in zip(wanted, copies, measured, strict=True):
                self._held[tensor.key] = _Held(copy, held_bytes)
            self._weight_bytes += sum(measured)
            self.copied_bytes += sum(measured)
            self._note_peak()
        return size_bytes

    def copy_ahead(self, skeleton: Skeleton, keys: Sequence[str], source: TensorSource) -> None:
        """Begins to make `keys` of `skeleton` resident, which must fit, beside whatever this thread does next."""
        if self.copies_ahead:
            sizes = {key: skeleton.wanted[key].size_bytes for key in keys}
            jobs = (_Ahead([skeleton.wanted[key] for key in chunk], source) for chunk in chunks(keys, sizes))
            self._ahead.plan(jobs)

    def _reserve(self, job: _Ahead) -> None:
        with self._lock:
            for wanted in job.wanted:
                self._held[wanted.key] = _Held(None, wanted.size_bytes)
                self._weight_bytes += wanted.size_bytes
            self._note_peak()

    def _fetch(self, job: _Ahead) -> None:
        try:
            copies = self._transfer.copy([self._source(one, job.source) for one in job.wanted])
            self._require_as_promised(job, copies)
        except BaseException:
            with self._lock:
                for wanted in job.wanted:
                    self._weight_bytes -= self._held.pop(wanted.key).size_bytes
            raise
        with self._lock:
            for wanted, copy in zip(job.wanted, copies, strict=True):
                self._held[wanted.key].tensor = copy
                self.copied_bytes += wanted.size_bytes

    def _require_as_promised(self, job: _Ahead, copies: Sequence[Tensor]) -> None:
        for wanted, copy in zip(job.wanted, copies, strict=True):
            if copy.nbytes != wanted.size_bytes:
                raise BudgetExceeded(copy.nbytes, wanted.size_bytes)

    def attach(self, skeleton: Skeleton) -> None:
        """Points `skeleton` at its tensors, all of which must be resident."""
        if skeleton.is_complete:
            return
        for key in skeleton.wanted:
            held = self._held[key]
            if skeleton not in held.holders and held.tensor is not None:
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
        self._ahead.call_off()
        leaving = list(keys)
        if any(held is not None and held.tensor is None for held in map(self._held.get, leaving)):
            self._ahead.wait()
        with self._lock:
            for key in leaving:
                held = self._held.pop(key, None)
                if held is not None:
                    self._weight_bytes -= held.size_bytes
                    for skeleton in held.holders:
                        skeleton.detach(key)

    def forget(self, keep: Container[str]) -> None:
        """Lets go of what tensors are copied from, but for those in `keep`: they are asked for again when wanted."""
        for key in [key for key in self._sources.copy() if key not in keep]:
            self._sources.pop(key, None)

    def _source(self, wanted: Wanted, source: TensorSource) -> Source:
        """Both threads come here; at worst each makes the same tensor ready."""
        found = self._sources.get(wanted.key)
        if found is None:
            found = self._transfer.ready(Source(source(wanted.entry), wanted.dtype))
            self._sources[wanted.key] = found
        return found

    def make_room(self, size_bytes: int, keep: Container[str]) -> None:
        """Evicts what came first, but nothing in `keep`, until `size_bytes` are free or nothing else is left."""
        for key in self.resident():
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
