"""Carries out scheduling decisions one visit at a time: evict, load, run, account. No threads, no policy.

Everything here runs on one thread (the executor's, or a test's). The clock is passed in.
"""

import logging
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scheduling.admission import require_fits
from edge_runtime.scheduling.batching import hopeless, takes_for
from edge_runtime.scheduling.pace import DOUBT_AFTER_S, doubted, observed
from edge_runtime.scheduling.reloading import ReloadWatch
from edge_runtime.scheduling.schedule import prefetch, schedule
from edge_runtime.scheduling.words import Batch, Budget, Decision, ModelProfile, Profiles, Resident, Take, Waiting
from edge_runtime.serving.answering import Faults, answer, fault_sentence
from edge_runtime.serving.device_memory import DeviceMemory, TensorSource
from edge_runtime.serving.intake import Intake
from edge_runtime.serving.live_accuracy import LiveAccuracy
from edge_runtime.serving.own_work import OwnWork
from edge_runtime.serving.preparation import Prepared, ServedModel, measure, names_by_slot
from edge_runtime.serving.residency import Residency
from edge_runtime.serving.tally import Tally
from edge_runtime.vision.spec import Detections, Frame, Prediction
from edge_runtime.vision.zones import split_by_zone

log = logging.getLogger(__name__)

_RATE_MEASURABLE_BYTES = 256 * 1024  # below it a load's time is all overhead and says nothing about the link
_RATE_WEIGHT = 0.3
_FORECAST_COUNTS_S = 60.0  # then what really happens counts


@dataclass(frozen=True)
class Result:
    """An answer in time. `latency_ms`: capture to result.

    `prediction` is what counts; `outside`: what a detector found outside its query's zone, for whom it matters to know
    of everybody in the picture.
    """

    query: str
    frame: Frame
    prediction: Prediction
    latency_ms: float
    outside: Detections | None = None


@dataclass(frozen=True)
class Surroundings:
    """What an engine is given: where it runs, what time it is, who wants the answers, and what is left to chance."""

    device: torch.device
    clock: Callable[[], float]
    on_result: Callable[[Result], None]
    policy: str
    chance: Callable[[], float] = random.random


class Engine:
    def __init__(self, memory: DeviceMemory, intake: Intake, tally: Tally, surroundings: Surroundings) -> None:
        self._memory = memory
        self._intake = intake
        self._tally = tally
        self._residency = Residency(surroundings.clock())
        self._given = surroundings
        self._prepared: Prepared | None = None
        self._activated_at = -math.inf
        self._queries: dict[str, QueryTarget] = {}
        self._faults = Faults()
        self._last_run: dict[str, float] = {}
        self._doubted_at: dict[str, float] = {}
        self._load_bytes_per_s = math.inf
        self._expected = Budget(memory.budget_bytes)
        self._reloads = ReloadWatch()
        self._noted = (0.0, 0, 0)
        self.stalled_s, self.running_s, self.visits = 0.0, 0.0, 0
        self._swapping_s = 0.0
        self.own_work = OwnWork()
        self.live_accuracy: LiveAccuracy | None = None

    @property
    def prepared(self) -> Prepared | None:
        return self._prepared

    @property
    def budget(self) -> Budget:
        """What decisions need. They are made in every visit, so it holds no more."""
        return Budget(self._memory.budget_bytes, self._memory.overhead_bytes, self._load_bytes_per_s)

    @property
    def forecast_budget(self) -> Budget:
        """With the runtime's own work, which only foretelling counts."""
        return replace(
            self.budget,
            visit_ms=self.own_work.median_ms(is_short=False, otherwise=self._expected.visit_ms),
            short_visit_ms=self.own_work.median_ms(is_short=True, otherwise=self._expected.short_visit_ms),
        )

    def expect(self, measured: Budget) -> None:
        """What is believed of the link, and of the runtime's own work, until it is seen to be otherwise."""
        self._expected = measured
        if math.isinf(self._load_bytes_per_s):
            self._load_bytes_per_s = measured.load_bytes_per_s

    def problems(self) -> dict[str, str]:
        """Sentences by query, for those whose model fails."""
        slots = self._faults.sentences() | (self._prepared.problems if self._prepared else {})
        return {name: slots[query.slot] for name, query in self._queries.items() if query.slot in slots}

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is wrong with all models together; soon after a switch, what is foreseen."""
        prepared = self._prepared
        if prepared and prepared.forecast and self._given.clock() < self._activated_at + _FORECAST_COUNTS_S:
            return (prepared.forecast,)
        return (self._reloads.sentence,) if self._reloads.sentence else ()

    def take_residency(self) -> dict[str, float]:
        """QuerySample.resident by query, since the last call."""
        slots, queries = self._residency.take(self._given.clock()), self._queries
        return {name: slots[query.slot] for name, query in queries.items() if query.slot in slots}

    def measure(self, model: ServedModel, tensor: TensorSource, known: tuple[Batch, ...] | None = None) -> ModelProfile:
        """preparation.measure, here. The model's tensors stay, and are first to go when a running model needs room."""
        given = self._given
        try:
            return measure(model, self._memory, tensor=tensor, device=given.device, clock=given.clock, known=known)
        finally:
            self._memory.detach(model.skeleton)

    def tidy(self) -> None:
        """Evicts what no running model uses, and lets go of what it was copied from."""
        users = self._prepared.profiles.users if self._prepared else {}
        self._memory.evict(key for key in self._memory.resident() if key not in users)
        self._memory.forget(keep=users)

    def activate(self, prepared: Prepared) -> None:
        """From the next visit on `prepared` runs. Tensors that both bundles use stay resident.

        Raises BudgetTooSmall, and then the old bundle runs on.
        """
        require_fits(prepared.profiles.models, self.budget, names_by_slot(prepared.queries))
        for model in self._prepared.models.values() if self._prepared else ():
            self._memory.detach(model.skeleton)
        self._prepared, self._faults, self._reloads = prepared, Faults(), ReloadWatch()
        self._activated_at = self._given.clock()
        self.tidy()
        self._memory.set_shared(prepared.profiles.shared_digests())
        self._queries = {query.query: query for query in prepared.queries}
        self._last_run = {slot: at for slot, at in self._last_run.items() if slot in prepared.models}
        self._doubted_at = dict.fromkeys(prepared.models, self._given.clock())
        self._tally.retarget(self._queries)
        self._residency.retarget({slot: model.skeleton.wanted.keys() for slot, model in prepared.models.items()})
        self._intake.retarget(prepared.queries)
        self.live_accuracy = LiveAccuracy(prepared, self._given.clock(), self._given.chance, self.live_accuracy)

    def step(self) -> bool:
        """At most one visit; False when no frame that can still be met waits."""
        if self._prepared is None:
            return False
        now = self._given.clock()
        queues = self._servable(now, self._prepared.profiles)
        resident = Resident(self._memory.resident(), self._last_run)
        self._residency.note(now, resident.tensors.keys())
        decision = schedule(now, queues, resident, self._prepared.profiles, self.budget, self._given.policy)
        if decision is None:
            return False
        is_short = len(resident.tensors) < len(self._prepared.profiles.users)
        busy_s = self._swapping_s + self.running_s
        self._visit(decision, self._prepared, queues)
        self._watch_reloads()
        own_s = self._given.clock() - now - (self._swapping_s + self.running_s - busy_s)
        self.own_work.note(1000 * own_s, is_short=is_short)
        return True

    def score_when_due(self) -> bool:
        """Scores at most one query against its original; see live_accuracy for when."""
        if self.live_accuracy is None or not self.live_accuracy.is_watching:
            return False
        now = self._given.clock()
        query = self.live_accuracy.due(now, is_idle=self._intake.is_empty)
        if query is None:
            return False
        try:
            self.live_accuracy.score(query, now)
        except Exception:
            log.warning("the original of a query could not be run", extra={"query": query}, exc_info=True)
        return True

    def _servable(self, now: float, profiles: Profiles) -> list[Waiting]:
        """The queues, after frames beyond help are dropped. A model that is paused or broken loses all of them."""
        queues = self._intake.queues(now)
        served = [queue for queue in queues if self._is_served(queue.slot, now, profiles)]
        lost = {queue.query: len(queue.captured_at) for queue in queues if queue not in served}
        lost |= {queue.query: hopeless(now, queue, profiles.by_slot[queue.slot]) for queue in served}
        if not any(lost.values()):
            return served
        given_up = [queue for queue in served if queue.captured_at and lost[queue.query] == len(queue.captured_at)]
        self._doubt(now, given_up, profiles)
        self._intake.drop(lost.items())
        return [queue for queue in self._intake.queues(now) if self._is_served(queue.slot, now, profiles)]

    def _is_served(self, slot: str, now: float, profiles: Profiles) -> bool:
        return slot in profiles.by_slot and not self._faults.is_paused(slot, now)

    def _doubt(self, now: float, given_up: list[Waiting], profiles: Profiles) -> None:
        """A slot that has not run for a while because it seems too slow is believed to be faster from now on."""
        for slot in {queue.slot for queue in given_up}:
            if now - max(self._last_run.get(slot, 0.0), self._doubted_at[slot]) >= DOUBT_AFTER_S:
                self._doubted_at[slot] = now
                self._correct(slot, doubted(profiles.by_slot[slot]))

    def _correct(self, slot: str, batches: tuple[Batch, ...]) -> None:
        if self._prepared is not None:
            self._prepared = replace(self._prepared, profiles=self._prepared.profiles.with_batches(slot, batches))

    def _visit(self, decision: Decision, prepared: Prepared, queues: list[Waiting]) -> None:
        model, taken = prepared.models[decision.slot], list[tuple[str, Frame]]()
        self._last_run[decision.slot] = self._given.clock()
        try:
            takes = self._swap(decision, prepared, queues)
            taken = [(take.query, frame) for take in takes for frame in self._intake.take(take.query, take.frames)]
            if taken:
                self._run(model, prepared.profiles.by_slot[decision.slot], taken)
                self._faults.succeeded(decision.slot)
        except Exception as error:
            names = names_by_slot(prepared.queries).get(decision.slot, ())
            sentence = fault_sentence(decision.slot, names, error)
            log.warning("%s", sentence, exc_info=True)
            self._faults.failed(decision.slot, self._given.clock(), sentence)
            for query, _ in taken:
                self._tally.dropped(query, 1)

    def _swap(self, decision: Decision, prepared: Prepared, queues: list[Waiting]) -> tuple[Take, ...]:
        """Makes the slot resident; the frames to run, chosen afresh where that took time."""
        skeleton = prepared.models[decision.slot].skeleton
        stalled_at, has_waited = self._given.clock(), False
        self._memory.evict(decision.evict)
        if not skeleton.is_complete:
            has_waited = self._memory.settle(skeleton)
            started_at = self._given.clock()
            size_bytes = self._memory.load(skeleton, prepared.tensor)
            self._note_rate(size_bytes, self._given.clock() - started_at)
            has_waited |= size_bytes > 0
        self._memory.attach(skeleton)
        now = self._given.clock()
        self._swapping_s += now - stalled_at
        if not has_waited:
            return decision.takes
        self._residency.note(now, self._memory.resident().keys())
        self.stalled_s += now - stalled_at
        first = next(queue.query for queue in queues if queue.slot == decision.slot)
        self._tally.swapped(first, 1000 * (now - stalled_at))
        fresh = [queue for queue in self._servable(now, prepared.profiles) if queue.slot == decision.slot]
        return takes_for(now, fresh, prepared.profiles.by_slot[decision.slot], decision.room_bytes)

    def _run(self, model: ServedModel, profile: ModelProfile, taken: list[tuple[str, Frame]]) -> None:
        needed_bytes = profile.batch_for(len(taken)).activation_bytes
        with self._memory.activations(needed_bytes):
            self._copy_ahead(model.slot, needed_bytes)
            started_at = self._given.clock()
            images = [frame.image for _, frame in taken]
            predictions = answer(model.skeleton, model.functions, images, self._given.device)
        finished_at = self._given.clock()
        self.visits += 1
        self.running_s += finished_at - started_at
        batches = observed(profile, len(taken), 1000 * (finished_at - started_at))
        if batches is not None:
            self._correct(model.slot, batches)
        for (query, frame), prediction in zip(taken, predictions, strict=True):
            self._account(model, query, frame, prediction, finished_at)
        taken.clear()  # accounted for: a failure from here on must not count them again

    def _watch_reloads(self) -> None:
        noted, self._noted = self._noted, (self.stalled_s, *self._tally.decided())
        stalled_s, answered, lost = (after - before for after, before in zip(self._noted, noted, strict=True))
        self._reloads.note(self._given.clock(), stalled_s, int(answered), int(lost))

    def _copy_ahead(self, running: str, activation_bytes: int) -> None:
        """Has the layers that the next visit lacks copied while this one runs."""
        prepared = self._prepared
        if prepared is None or not self._memory.copies_ahead:
            return
        now = self._given.clock()
        queues = [queue for queue in self._intake.queues(now) if self._is_served(queue.slot, now, prepared.profiles)]
        resident = Resident(self._memory.resident(), self._last_run)
        budget, policy = self.budget, self._given.policy
        plan = prefetch(now, queues, resident, prepared.profiles, budget, policy, (running, activation_bytes))
        if plan is not None:
            self._memory.evict(plan.evict)
            self._memory.copy_ahead(prepared.models[plan.slot].skeleton, plan.load, prepared.tensor)

    def _account(
        self, model: ServedModel, query: str, frame: Frame, prediction: Prediction, finished_at: float
    ) -> None:
        target = self._queries[query]
        latency_ms = 1000 * (finished_at - frame.captured_at)
        if latency_ms > target.deadline_ms:
            self._tally.late(query)
            return
        # The one place where zones apply: counts, live accuracy, results and previews all get what is inside.
        prediction, outside = split_by_zone(prediction, target.zone)
        counts = model.functions.counts(prediction, model.skeleton.spec, target.objects)
        self._tally.processed(query, latency_ms, counts)
        if self.live_accuracy is not None:
            self.live_accuracy.note(query, frame, prediction)
        try:
            self._given.on_result(Result(query, frame, prediction, latency_ms, outside))
        except Exception:
            log.exception("a listener failed on a result of query %s", target.name, extra={"query": query})

    def _note_rate(self, size_bytes: int, swap_s: float) -> None:
        if size_bytes < _RATE_MEASURABLE_BYTES or swap_s <= 0:
            return
        rate = size_bytes / swap_s
        if math.isinf(self._load_bytes_per_s):
            self._load_bytes_per_s = rate
        else:
            self._load_bytes_per_s += _RATE_WEIGHT * (rate - self._load_bytes_per_s)
