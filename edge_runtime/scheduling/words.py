"""What a scheduling decision is made from, and the decision itself: plain data, no clock, no I/O, no ML stack.

Times are seconds of one monotonic clock, durations are milliseconds, sizes are bytes of the compute device.
"""

import bisect
import math
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec


@dataclass(frozen=True)
class Batch:
    """One measured batch size of a model: the time of one run and the memory it needs beside the weights.

    `after_load_ms`: of a run right after all of its weights were loaded; `beside_copy_ms`: of one beside which another
    model's are copied all the time. None where not measured.
    `doubted_ms`: what was measured, where that is in doubt and `run_ms` only believed (see pace); else None.
    """

    size: int
    run_ms: float
    activation_bytes: int
    after_load_ms: float | None = None
    beside_copy_ms: float | None = None
    doubted_ms: float | None = None

    @property
    def measured_ms(self) -> float:
        return self.run_ms if self.doubted_ms is None else self.doubted_ms

    def takes_ms(self, loaded: float, beside_copy: float) -> float:
        """Of a run whose weights came anew to the share `loaded`, with copies beside it for the share `beside_copy`."""
        return self.run_ms + loaded * self._slower(self.after_load_ms) + beside_copy * self._slower(self.beside_copy_ms)

    def _slower(self, measured_ms: float | None) -> float:
        return 0.0 if measured_ms is None else max(measured_ms - self.run_ms, 0.0)


@dataclass(frozen=True)
class ModelProfile:
    """One slot as measured: bytes per tensor digest, and its batches by ascending size, the first being size 1.

    `switch_ms`: what it takes, beside copying, to let go of all its tensors, to take them in and to point the network
    at them.
    """

    slot: str
    tensors: Mapping[str, int]
    batches: tuple[Batch, ...]
    switch_ms: float = 0.0

    @cached_property
    def weight_bytes(self) -> int:
        return sum(self.tensors.values())

    @property
    def least_bytes(self) -> int:
        """What the model needs to run at all: its weights and the activations of one frame."""
        return self.weight_bytes + self.batches[0].activation_bytes

    def as_measured(self) -> "ModelProfile":
        """Without beliefs: what may be told, and foretold from."""
        batches = (replace(batch, run_ms=batch.measured_ms, doubted_ms=None) for batch in self.batches)
        return replace(self, batches=tuple(batches))

    def batch_for(self, frames: int) -> Batch:
        """The smallest measured batch that holds `frames` frames; the largest one where none does."""
        for batch in self.batches:
            if batch.size >= frames:
                return batch
        return self.batches[-1]

    def largest_batch(self, room_bytes: int) -> Batch:
        """The largest batch whose activations fit `room_bytes`; the smallest one where none does."""
        return next(
            (batch for batch in reversed(self.batches) if batch.activation_bytes <= room_bytes), self.batches[0]
        )


class Waiting(msgspec.Struct, frozen=True, dict=True):
    """The frames of one query that wait for `slot`, by capture time, oldest first; there may be none.

    `expected_at`: when its camera should give the next one, infinite for a camera that is silent. `priority`: how many
    frames of an ordinary query one of these counts as.
    """

    query: str
    slot: str
    captured_at: tuple[float, ...]
    deadline_ms: int
    priority: float = 1.0
    expected_at: float = math.inf

    def due_at(self, captured_at: float) -> float:
        return captured_at + self.deadline_ms / 1000

    def overdue(self, at: float) -> int:
        """How many of the oldest frames have their deadline before `at`."""
        return bisect.bisect_left(self.captured_at, at - self.deadline_ms / 1000)

    @property
    def period_s(self) -> float:
        """Between frames, as far as it shows; 0 where it does not."""
        is_known = self.captured_at and self.expected_at < math.inf
        return max(self.expected_at - self.captured_at[-1], 0.0) if is_known else 0.0

    @cached_property
    def next_due_at(self) -> float:
        """The deadline of the first frame that waits, else of the one that is expected."""
        return self.due_at(self.captured_at[0] if self.captured_at else self.expected_at)


@dataclass(frozen=True)
class Budget:
    """`limit_bytes` holds weights, activations and `overhead_bytes`. Loading goes at `load_bytes_per_s`.

    `visit_ms`: the runtime's own work in a visit, beside loading and running, where memory holds all models;
    `short_visit_ms`: where it does not, so that there is more to decide.
    """

    limit_bytes: int
    overhead_bytes: int = 0
    load_bytes_per_s: float = math.inf
    visit_ms: float = 0.0
    short_visit_ms: float = 0.0

    @property
    def usable_bytes(self) -> int:
        return self.limit_bytes - self.overhead_bytes

    def load_ms(self, size_bytes: int) -> float:
        return 1000 * size_bytes / self.load_bytes_per_s


@dataclass(frozen=True)
class Resident:
    """Tensor bytes in device memory by digest, and when each slot ran last (absent: never).

    `lacking`: bytes by slot that are not there, of those who keep account of them; else they are added up when asked.
    """

    tensors: Mapping[str, int] = field(default_factory=dict)
    last_run: Mapping[str, float] = field(default_factory=dict)
    lacking: Mapping[str, int] | None = None

    def lacks_bytes(self, model: ModelProfile) -> int:
        return missing_bytes(model, self.tensors) if self.lacking is None else self.lacking[model.slot]

    @cached_property
    def size_bytes(self) -> int:
        return sum(self.tensors.values())


@dataclass(frozen=True)
class Take:
    """The oldest `frames` waiting frames of `query`."""

    query: str
    frames: int


@dataclass(frozen=True)
class Decision:
    """Evict, then load (tensor digests), then run `slot` once on what `takes` names.

    After a load that took long, `batching.takes_for` names the frames afresh: `room_bytes` is left for activations.
    """

    slot: str
    evict: tuple[str, ...]
    load: tuple[str, ...]
    takes: tuple[Take, ...]
    room_bytes: int


@dataclass(frozen=True)
class Prefetch:
    """While another slot runs: evict, then copy `load` of `slot` (tensor digests) one after the other."""

    slot: str
    evict: tuple[str, ...]
    load: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Profiles:
    """All slots of a bundle, with what follows from them. Build it once per bundle: derived values are kept.

    Compared and hashed by identity, so that functions of it can remember their answers.
    """

    models: tuple[ModelProfile, ...]

    @cached_property
    def by_slot(self) -> dict[str, ModelProfile]:
        return {model.slot: model for model in self.models}

    @cached_property
    def users(self) -> dict[str, frozenset[str]]:
        """Slots by the tensor digest they use."""
        users: dict[str, set[str]] = {}
        for model in self.models:
            for digest in model.tensors:
                users.setdefault(digest, set()).add(model.slot)
        return {digest: frozenset(slots) for digest, slots in users.items()}

    @cached_property
    def visit_order(self) -> tuple[str, ...]:
        """Slots in a ring where neighbours share much: from the largest model on, next is who shares most with it."""
        left = sorted(self.models, key=lambda model: (-model.weight_bytes, model.slot))
        order: list[ModelProfile] = []
        while left:
            last = order[-1] if order else left[0]
            following = max(left, key=lambda model: shared_bytes(last, model))
            order.append(following)
            left.remove(following)
        return tuple(model.slot for model in order)

    def shared_digests(self) -> Set[str]:
        return {digest for digest, slots in self.users.items() if len(slots) > 1}

    def with_batches(self, slot: str, batches: tuple[Batch, ...]) -> "Profiles":
        """These profiles with other figures for one slot. What follows from the tensors alone is taken over."""
        changed = Profiles(
            tuple(replace(model, batches=batches) if model.slot == slot else model for model in self.models)
        )
        vars(changed).update(users=self.users, visit_order=self.visit_order)
        return changed


def shared_bytes(one: ModelProfile, other: ModelProfile) -> int:
    return sum(size for digest, size in one.tensors.items() if digest in other.tensors)


def missing(model: ModelProfile, resident: Mapping[str, int]) -> tuple[str, ...]:
    """Digests that `model` needs and that are not resident, in the model's order."""
    if model.tensors.keys() <= resident.keys():
        return ()
    return tuple(digest for digest in model.tensors if digest not in resident)


def missing_bytes(model: ModelProfile, resident: Mapping[str, int]) -> int:
    """Asked of every model at every decision; the first line, in C, is the answer for those that are all there."""
    if model.tensors.keys() <= resident.keys():
        return 0
    return sum(size for digest, size in model.tensors.items() if digest not in resident)


def sum_bytes(tensors: Mapping[str, int], digests: Sequence[str]) -> int:
    return sum(tensors[digest] for digest in digests)
