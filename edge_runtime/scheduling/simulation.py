"""A box under a virtual clock: the real policies on profiles, with exact accounting. Pure.

Repeats what the executor does (serving.engine): frames wait in short queues, those beyond help are dropped before a
decision and after a load, one that ends after its deadline is late; both are lost. Copies take the link one after the
other, and what is planned but not begun at the next decision is called off. Runs take exactly what the profile says,
longer by as much of their weights as came anew and by as long as something is copied beside them. The runtime's own
work takes its time, too: deciding in every visit, and letting go of, taking in and pointing at what is swapped.
"""

import heapq
import math
from dataclasses import dataclass

from edge_runtime.protocol.errors import GemelError
from edge_runtime.scheduling.admission import require_fits
from edge_runtime.scheduling.batching import hopeless, takes_for
from edge_runtime.scheduling.policies import DEFAULT_POLICY
from edge_runtime.scheduling.schedule import prefetch, schedule
from edge_runtime.scheduling.virtual_box import QueryOutcome, VirtualMemory, VirtualQueue
from edge_runtime.scheduling.words import (
    Batch,
    Budget,
    Decision,
    ModelProfile,
    Prefetch,
    Profiles,
    Take,
    Waiting,
    sum_bytes,
)
from edge_runtime.scheduling.workload import Workload


class SlotUnprofiled(GemelError):
    code = "slot_unprofiled"


@dataclass(frozen=True)
class Outcome:
    """`swap_bytes` were copied; visits waited `stalled_s` for swaps. In `peak_bytes` a layer counts once."""

    policy: str
    seconds: float
    queries: tuple[QueryOutcome, ...]
    visits: int
    swap_bytes: int
    stalled_s: float
    running_s: float
    peak_bytes: int

    @property
    def captured(self) -> int:
        return sum(query.captured for query in self.queries)

    @property
    def processed(self) -> int:
        return sum(query.processed for query in self.queries)

    @property
    def processed_fraction(self) -> float:
        return self.processed / self.captured if self.captured else 1.0


def simulate(
    workload: Workload,
    profiles: Profiles,
    budget: Budget,
    policy: str = DEFAULT_POLICY,
    *,
    seconds: float,
    warm_up_s: float = 0.0,
    starts_full: bool = False,
    enough_lost: int | None = None,
) -> Outcome:
    """What becomes of the frames captured in `seconds` of `workload`, after `warm_up_s` that are not counted.

    With `starts_full` memory is as full as after a while: over a slow link filling it takes minutes.
    With `enough_lost` it ends once so many frames are lost: for those who only ask whether more is lost than that.
    Raises BudgetTooSmall, UnknownPolicy, SlotUnprofiled.
    """
    require_fits(profiles.models, budget, workload.by_slot())
    for query in workload.queries:
        if query.slot not in profiles.by_slot:
            raise SlotUnprofiled(f"Query {query.query} runs model {query.slot}, of which the profiles know nothing.")
    simulation = _Simulation(workload, profiles, budget, policy, warm_up_s)
    if starts_full:
        simulation.fill()
    return simulation.run(warm_up_s + seconds, math.inf if enough_lost is None else enough_lost)


class _Simulation:
    def __init__(self, workload: Workload, profiles: Profiles, budget: Budget, policy: str, count_from: float) -> None:
        self._profiles, self._budget, self._policy, self._count_from = profiles, budget, policy, count_from
        given = zip(workload.queries, workload.phases(), strict=True)
        self._queues = {load.query: VirtualQueue(load, phase, count_from) for load, phase in given}
        self._waiting = {name: queue.waiting() for name, queue in self._queues.items()}
        self._arrivals = [(queue.next_at, name) for name, queue in self._queues.items()]
        heapq.heapify(self._arrivals)
        self._memory = VirtualMemory(profiles, budget)
        self._last_run: dict[str, float] = {}
        self._now = 0.0
        self._visits, self._stalled_s, self._running_s = 0, 0.0, 0.0
        self._count_until = math.inf

    def fill(self) -> None:
        self._memory.fill()

    def run(self, end: float, enough_lost: float) -> Outcome:
        swapped_before, self._count_until = 0, end
        while math.isinf(enough_lost) or self._lost() < enough_lost:
            if self._now < self._count_from:
                swapped_before = self._memory.swap_bytes
            self._capture(end)
            waiting = self._servable()
            if any(queue.captured_at for queue in waiting) and self._visit(waiting, end):
                continue
            if not self._arrivals:
                break
            self._now = max(self._now, self._arrivals[0][0])
        for queue in self._queues.values():
            queue.lose(len(queue.waiting().captured_at))
        return Outcome(
            policy=self._policy,
            seconds=end - self._count_from,
            queries=tuple(queue.outcome for queue in self._queues.values()),
            visits=self._visits,
            swap_bytes=self._memory.swap_bytes - swapped_before,
            stalled_s=self._stalled_s,
            running_s=self._running_s,
            peak_bytes=self._memory.peak_bytes,
        )

    def _lost(self) -> int:
        return sum(queue.outcome.dropped + queue.outcome.late for queue in self._queues.values())

    def _capture(self, end: float) -> None:
        """Everything up to now; a query whose next frame would come after `end` gives no more."""
        while self._arrivals and self._arrivals[0][0] <= self._now:
            _, name = heapq.heappop(self._arrivals)
            queue = self._queues[name]
            queue.capture()
            self._waiting[name] = queue.waiting()
            if queue.next_at < end:
                heapq.heappush(self._arrivals, (queue.next_at, name))

    def _servable(self) -> list[Waiting]:
        """All queues, after frames beyond help are dropped."""
        for name, waiting in self._waiting.items():
            lost = hopeless(self._now, waiting, self._profiles.by_slot[waiting.slot]) if waiting.captured_at else 0
            if lost:
                self._queues[name].lose(lost)
                self._waiting[name] = self._queues[name].waiting()
        return list(self._waiting.values())

    def _take(self, take: Take) -> list[tuple[float, int]]:
        taken = self._queues[take.query].take(take.frames)
        self._waiting[take.query] = self._queues[take.query].waiting()
        return taken

    def _visit(self, waiting: list[Waiting], end: float) -> bool:
        self._memory.settle(self._now)
        resident = self._memory.resident(self._last_run)
        decision = schedule(self._now, waiting, resident, self._profiles, self._budget, self._policy)
        if decision is None:
            return False
        self._visits += self._count_from <= self._now < self._count_until
        self._last_run[decision.slot] = self._now
        self._now += (self._budget.short_visit_ms if self._memory.is_short else self._budget.visit_ms) / 1000
        model = self._profiles.by_slot[decision.slot]
        takes, loaded = self._bring_in(decision, model, end)
        if takes:
            self._run(model, takes, loaded)
        return True

    def _bring_in(self, decision: Decision, model: ModelProfile, end: float) -> tuple[tuple[Take, ...], float]:
        """What to run, and the share of the model's weights that came anew."""
        started_at = self._now
        self._now = self._memory.load(self._memory.evict(started_at, decision.evict), model, decision.load)
        has_waited = self._now > started_at
        switch_ms, loaded = self._memory.attach(model)
        self._now += switch_ms / 1000
        if not has_waited:
            return decision.takes, loaded
        self._stalled_s += self._counted_s(started_at)
        self._capture(end)
        waiting = [queue for queue in self._servable() if queue.slot == model.slot]
        return takes_for(self._now, waiting, model, decision.room_bytes), loaded

    def _counted_s(self, since: float) -> float:
        """Of the time from `since` until now."""
        return max(min(self._now, self._count_until) - max(since, self._count_from), 0.0)

    def _run(self, model: ModelProfile, takes: tuple[Take, ...], loaded: float) -> None:
        taken = [(self._queues[take.query], self._take(take)) for take in takes]
        batch = model.batch_for(sum(take.frames for take in takes))
        waiting = list(self._waiting.values())
        running = (model.slot, batch.activation_bytes)
        resident = self._memory.resident(self._last_run)
        plan = prefetch(self._now, waiting, resident, self._profiles, self._budget, self._policy, running)
        self._memory.run(self._now, batch.activation_bytes, plan)
        started_at = self._now
        self._now += batch.takes_ms(loaded, self._share_beside_copies(batch, plan)) / 1000
        self._running_s += self._counted_s(started_at)
        for queue, frames in taken:
            queue.answer(frames, self._now)

    def _share_beside_copies(self, batch: Batch, plan: Prefetch | None) -> float:
        """Of a run of `batch`, in which `plan` is copied."""
        if plan is None:
            return 0.0
        copied_ms = self._budget.load_ms(sum_bytes(self._memory.sizes, plan.load))
        return min(copied_ms / batch.run_ms, 1.0) if batch.run_ms else 1.0
