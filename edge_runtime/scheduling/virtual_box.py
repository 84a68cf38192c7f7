"""The parts of a simulated box: queues that fill by the clock, and memory behind one link. Pure; see `simulation`."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from edge_runtime.scheduling.batching import kept_frames
from edge_runtime.scheduling.link import chunks
from edge_runtime.scheduling.words import Budget, ModelProfile, Prefetch, Profiles, Resident, Waiting, sum_bytes
from edge_runtime.scheduling.workload import QueryLoad


@dataclass
class QueryOutcome:
    """Frames decided. captured == processed + late + dropped; `answered`: the numbers of those processed in time."""

    query: str
    captured: int = 0
    processed: int = 0
    late: int = 0
    dropped: int = 0
    answered: list[int] = field(default_factory=list)

    @property
    def lost_fraction(self) -> float:
        return 1 - self.processed / self.captured if self.captured else 0.0


class VirtualQueue:
    """The newest frames of one query, as (capture time, number). Those captured before `count_from` are not counted.

    Capture times are computed, never summed up, so that a rate holds over hours.
    """

    def __init__(self, load: QueryLoad, phase: float, count_from: float) -> None:
        self.load, self._phase, self._count_from = load, phase, count_from
        self.outcome = QueryOutcome(load.query)
        self._frames: deque[tuple[float, int]] = deque()
        self._capacity = kept_frames(load.rate_fps, load.deadline_ms)
        self._next = 0

    @property
    def next_at(self) -> float:
        return (self._next + self._phase) / self.load.rate_fps

    def waiting(self) -> Waiting:
        load, captured_at = self.load, tuple(at for at, _ in self._frames)
        return Waiting(load.query, load.slot, captured_at, load.deadline_ms, load.priority, expected_at=self.next_at)

    def capture(self) -> None:
        if self.next_at >= self._count_from:
            self.outcome.captured += 1
        self._frames.append((self.next_at, self._next))
        self._next += 1
        if len(self._frames) > self._capacity:
            self.lose(1)

    def take(self, frames: int) -> list[tuple[float, int]]:
        return [self._frames.popleft() for _ in range(frames)]

    def lose(self, frames: int) -> None:
        self.outcome.dropped += sum(1 for captured_at, _ in self.take(frames) if captured_at >= self._count_from)

    def answer(self, frames: Iterable[tuple[float, int]], ended_at: float) -> None:
        for captured_at, number in frames:
            if captured_at < self._count_from:
                continue
            if 1000 * (ended_at - captured_at) > self.load.deadline_ms:
                self.outcome.late += 1
            else:
                self.outcome.processed += 1
                self.outcome.answered.append(number)


@dataclass
class _Left:
    """What has left memory since its model was last pointed at it; some of it perhaps more than once."""

    tensors: int = 0
    size_bytes: int = 0

    def add(self, size_bytes: int) -> None:
        self.tensors += 1
        self.size_bytes += size_bytes

    def share_of(self, tensors: int) -> float:
        return min(self.tensors / tensors, 1.0) if tensors else 0.0

    def share_of_bytes(self, weight_bytes: int) -> float:
        return min(self.size_bytes / weight_bytes, 1.0) if weight_bytes else 0.0


class VirtualMemory:
    """Resident tensors, each once. A chunk that is on its way counts as resident and is waited for when needed."""

    def __init__(self, profiles: Profiles, budget: Budget) -> None:
        self._budget, self._users = budget, profiles.users
        self._frame_bytes = max((model.batches[0].activation_bytes for model in profiles.models), default=0)
        self._lacking = {model.slot: model.weight_bytes for model in profiles.models}
        self.sizes = {digest: size for model in profiles.models for digest, size in model.tensors.items()}
        self._tensors: dict[str, int] = {}
        self._left = {model.slot: _Left(len(model.tensors), model.weight_bytes) for model in profiles.models}
        self._arrives_at: dict[str, float] = {}
        self._planned: tuple[str, ...] = ()
        self._planned_at = self._link_free_at = 0.0
        self._held_bytes = self._activation_bytes = 0
        self.swap_bytes = self.peak_bytes = 0

    def fill(self) -> None:
        """As after a while of running: full of whatever finds room beside the activations of any one frame."""
        room_bytes = self._budget.usable_bytes - self._frame_bytes
        for digest, size_bytes in self.sizes.items():
            if digest not in self._tensors and self._held_bytes + size_bytes <= room_bytes:
                self._tensors[digest] = size_bytes
                self._change(digest, size_bytes)
        self._note_peak()

    @property
    def is_short(self) -> bool:
        """Of memory: not all of it is there."""
        return len(self._tensors) < len(self.sizes)

    def resident(self, last_run: dict[str, float]) -> Resident:
        """A view, good until the next change."""
        view = Resident(self._tensors, last_run, self._lacking)
        vars(view)["size_bytes"] = self._held_bytes  # known: adding up thousands of layers is most of a simulation
        return view

    def settle(self, now: float) -> None:
        """What was planned and has begun by now is here or on its way; the rest is called off."""
        for chunk in chunks(self._planned, self.sizes):
            begins_at = max(self._planned_at, self._link_free_at)
            if begins_at >= now:
                break
            self._copy(begins_at, chunk)
        self._planned, self._activation_bytes = (), 0

    def evict(self, now: float, digests: Iterable[str]) -> float:
        """When they are gone: what is on its way has to arrive first."""
        for digest in digests:
            now = max(now, self._arrives_at.pop(digest, now))
            size_bytes = self._tensors.pop(digest)
            self._change(digest, -size_bytes)
            for slot in self._users[digest]:
                self._left[slot].add(size_bytes)
        return now

    def load(self, now: float, model: ModelProfile, digests: tuple[str, ...]) -> float:
        """When all of `model` is there, of which `digests` are copied now."""
        if digests:
            self._copy(max(now, self._link_free_at), digests)
        if self._link_free_at > now:
            return max(now, *(self._arrives_at.get(digest, now) for digest in model.tensors))
        return now

    def attach(self, model: ModelProfile) -> tuple[float, float]:
        """Points `model`, all of which is there, at those of its tensors that have left since it was.

        The milliseconds that this takes, with those of taking them in and letting go of as many others, and the share
        of its weights that came anew.
        """
        left, self._left[model.slot] = self._left[model.slot], _Left()
        return model.switch_ms * left.share_of(len(model.tensors)), left.share_of_bytes(model.weight_bytes)

    def run(self, now: float, activation_bytes: int, plan: Prefetch | None) -> None:
        """Reserves what a run needs and starts copying what is planned beside it."""
        self._activation_bytes = activation_bytes
        self._note_peak()
        if plan is not None:
            self._planned_at, self._planned = self.evict(now, plan.evict), plan.load

    def _copy(self, begins_at: float, digests: tuple[str, ...]) -> None:
        size_bytes = sum_bytes(self.sizes, digests)
        self._link_free_at = begins_at + self._budget.load_ms(size_bytes) / 1000
        for digest in digests:
            self._tensors[digest] = self.sizes[digest]
            self._arrives_at[digest] = self._link_free_at
            self._change(digest, self.sizes[digest])
        self.swap_bytes += size_bytes
        self._note_peak()

    def _change(self, digest: str, size_bytes: int) -> None:
        self._held_bytes += size_bytes
        for slot in self._users[digest]:
            self._lacking[slot] -= size_bytes

    def _note_peak(self) -> None:
        used_bytes = self._held_bytes + self._activation_bytes + self._budget.overhead_bytes
        self.peak_bytes = max(self.peak_bytes, used_bytes)
