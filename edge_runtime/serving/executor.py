"""Runs the queries of one box: one thread that owns the compute device, and the door to it for all other threads.

The thread sleeps on a condition until a frame, a job or a stop arrives; nothing polls. Bundles are prepared and
switched as jobs between two visits, so that nothing else ever touches the device.
"""

import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

import psutil
import torch

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest
from edge_runtime.protocol.measurements import BoxMeasured
from edge_runtime.protocol.messages import MemorySample, QuerySample
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scheduling.admission import BudgetTooSmall, require_fits
from edge_runtime.scheduling.advice import Known, told
from edge_runtime.scheduling.assessment import Plan
from edge_runtime.scheduling.likeness import likeness_by_network
from edge_runtime.scheduling.policies import DEFAULT_POLICY, policy_named
from edge_runtime.scheduling.words import Batch, ModelProfile, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload
from edge_runtime.serving.allocator import AllocatorCheck, enforce
from edge_runtime.serving.answering import fault_sentence
from edge_runtime.serving.device_memory import DeviceMemory, TensorSource
from edge_runtime.serving.engine import Engine, Result, Surroundings
from edge_runtime.serving.intake import Intake
from edge_runtime.serving.measured_networks import measured_networks
from edge_runtime.serving.preparation import (
    Prepared,
    ServedModel,
    known_batches,
    known_profile,
    models_of,
    names_by_slot,
)
from edge_runtime.serving.profiling import MeasuredFolder, bundle_digest
from edge_runtime.serving.tally import Tally
from edge_runtime.serving.transfer import LimitedTransfer, transfer_to
from edge_runtime.vision.spec import Frame

log = logging.getLogger(__name__)

_SCORING_CHECK_S = 0.5  # how often an idle thread looks whether a query is due for scoring
_AFTER_FAILURE_S = 1.0
Answer = TypeVar("Answer")


class ExecutorStopped(GemelError):
    code = "executor_stopped"


class Executor:
    """`budget_bytes` holds weights, activations and `overhead_bytes`, the runtime's own fixed share.

    `swap_bandwidth`: bytes/s at which weights reach the compute device; for measuring what a slower link would do.
    `threads`: torch threads of one run. `measured`: figures of bundles that were measured on this machine before.
    `on_result` is called on the executor's thread and must be quick.
    """

    def __init__(
        self,
        *,
        budget_bytes: int,
        overhead_bytes: int,
        device: str | torch.device = "cpu",
        policy: str = DEFAULT_POLICY,
        swap_bandwidth: float | None = None,
        threads: int = 1,
        measured: MeasuredFolder | None = None,
        clock: Callable[[], float] = time.monotonic,
        on_result: Callable[[Result], None] = lambda result: None,
    ) -> None:
        policy_named(policy)
        self._clock = clock
        self._device = torch.device(device)
        self._threads = threads
        self._policy = policy
        self._measured_before = measured
        self._stopping = threading.Event()
        enforce(self._device, budget_bytes=budget_bytes, overhead_bytes=overhead_bytes)
        self._allocator = AllocatorCheck(self._device)
        self._clock = clock
        transfer = transfer_to(self._device)
        if swap_bandwidth is not None:
            transfer = LimitedTransfer(transfer, swap_bandwidth, pause=self._stopping.wait, clock=clock)
        self._memory = DeviceMemory(budget_bytes=budget_bytes, overhead_bytes=overhead_bytes, transfer=transfer)
        self._tally = Tally()
        self._intake = Intake(self._tally.dropped)
        surroundings = Surroundings(self._device, clock, on_result, policy)
        self._engine = Engine(self._memory, self._intake, self._tally, surroundings)
        self._condition = threading.Condition()
        self._has_news = False
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._at_work_since: float | None = None
        self._process = psutil.Process(os.getpid())
        self._thread = threading.Thread(target=self._loop, name="executor", daemon=True)
        self._thread.start()

    def prepare(self, manifest: Manifest, queries: Sequence[QueryTarget], tensor: TensorSource) -> Prepared:
        """Builds, warms up and measures the models that `queries` run, beside the bundle that runs now.

        A model that fails its warm-up is named in Prepared.problems. Raises GemelError (UnknownSlot,
        WeightsIncomplete, UnknownArchitecture, BudgetTooSmall) and then changes nothing.
        """
        models, names = models_of(manifest, queries, self._device), names_by_slot(queries)
        try:
            profiles, errors = self._profiles(models, tensor, self._known(manifest))
            require_fits(profiles, self._engine.budget, names)
        except GemelError as error:
            self._between_frames(self._engine.tidy)
            if isinstance(error, BudgetTooSmall):
                raise error.naming(names) from error
            raise
        problems = {slot: fault_sentence(slot, names[slot], error) for slot, error in errors.items()}
        served = Profiles(tuple(profiles))
        forecast = self._forecast(queries, models, served)
        if forecast:
            log.warning("bundle version %d: %s", manifest.version, forecast, extra={"bundle_version": manifest.version})
        return Prepared(manifest, tuple(queries), models, served, problems, tensor, forecast)

    def activate(self, prepared: Prepared) -> None:
        """Switches to `prepared` between two frames; it runs when this returns. Raises BudgetTooSmall."""
        self._between_frames(lambda: self._engine.activate(prepared))

    def offer(self, frame: Frame) -> None:
        """Hands over a frame of a camera, from any thread. Never blocks on the device."""
        if self._intake.offer(frame):
            self._wake()

    def sample(self) -> tuple[MemorySample, tuple[QuerySample, ...]]:
        """Figures since the last call. Memory is that of the moment of highest use."""
        peak = self._memory.take_peak()
        memory = MemorySample(
            budget=peak.budget,
            private=peak.private,
            shared=peak.shared,
            activations=peak.activations,
            overhead=peak.overhead,
            free=peak.free,
            rss=self._process.memory_info().rss,
        )
        accuracy = self._engine.live_accuracy
        agreements = accuracy.agreements() if accuracy else {}
        return memory, self._tally.take(agreements, self._engine.take_residency())

    def swapped(self) -> tuple[int, float]:
        """Since the start: bytes copied to the device, and seconds in which execution waited for them."""
        return self._memory.copied_bytes, self._engine.stalled_s

    def busy(self) -> tuple[int, float]:
        """Since the start: how many batches ran, and seconds of running them."""
        return self._engine.visits, self._engine.running_s

    def problems(self) -> dict[str, str]:
        """One sentence per query whose model fails right now; empty when all is well."""
        return self._engine.problems()

    def warnings(self) -> tuple[str, ...]:
        """Sentences about all models together: frames that will be lost, a reload loop, memory nobody accounts for."""
        return (*self._engine.warnings, *filter(None, [self._allocator.sentence]))

    def measured(self) -> BoxMeasured | None:
        """What is known by now of the box and the networks it runs; None while it runs none."""
        prepared, budget = self._engine.prepared, self._engine.forecast_budget
        if prepared is None:
            return None
        return BoxMeasured(
            hardware=self._measured_before.hardware if self._measured_before else "",
            policy=self._policy,
            budget_bytes=budget.limit_bytes,
            overhead_bytes=budget.overhead_bytes,
            load_bytes_per_s=budget.load_bytes_per_s if math.isfinite(budget.load_bytes_per_s) else None,
            visit_ms=budget.visit_ms,
            short_visit_ms=budget.short_visit_ms,
            networks=measured_networks(prepared),
        )

    def stuck_s(self) -> float:
        """How long the visit or job at hand has taken by now; for ever once the thread has ended unasked."""
        if not self._thread.is_alive():
            return 0.0 if self._stopping.is_set() else math.inf
        since = self._at_work_since
        return 0.0 if since is None else self._clock() - since

    def stop(self) -> None:
        """Ends the thread after the visit at hand, and gives the device's memory back. Idempotent."""
        self._stopping.set()
        self._wake()
        self._thread.join()
        self._memory.evict(self._memory.resident())
        with self._condition:
            for _, future in self._jobs:
                future.set_exception(_stopped())
            self._jobs.clear()

    def _forecast(self, queries: Sequence[QueryTarget], models: dict[str, ServedModel], profiles: Profiles) -> str:
        """What will be lost and what would help, as text; from what is known of the link by now."""
        running = [query for query in queries if query.slot in profiles.by_slot]
        loads = tuple(
            QueryLoad(query.query, query.slot, query.rate_fps, query.deadline_ms, query.camera, query.priority)
            for query in running
        )
        networks = {slot: str(model.skeleton.spec) for slot, model in models.items()}
        known = Known({query.query: query.name for query in running}, likeness=likeness_by_network(profiles, networks))
        measured = Profiles(tuple(model.as_measured() for model in profiles.models))
        return told(Plan(Workload(loads), measured, self._engine.forecast_budget, self._policy), known)

    def _known(self, manifest: Manifest) -> dict[str, tuple[Batch, ...]]:
        """The batches of each slot, where this bundle was measured on this machine."""
        before = self._measured_before.load(bundle_digest(manifest)) if self._measured_before else None
        if before is None:
            return {}
        self._engine.expect(before.budget(self._memory.budget_bytes))
        return {model.slot: model.profile().batches for model in before.models}

    def _profiles(
        self, models: dict[str, ServedModel], tensor: TensorSource, by_slot: dict[str, tuple[Batch, ...]]
    ) -> tuple[list[ModelProfile], dict[str, Exception]]:
        """Profiles of the models that answer, and by slot what each of the others fails with."""
        running = self._engine.prepared
        known = known_batches(running) if running else {}
        profiles, errors = list[ModelProfile](), dict[str, Exception]()
        for slot, model in models.items():
            spec = model.skeleton.spec
            try:
                batches = by_slot.get(slot) or known.get(spec)
                profile = known_profile(model, running) or self._measured(model, tensor, batches)
            except (BudgetTooSmall, ExecutorStopped):
                raise
            except Exception as error:  # the edge of one model, as in Engine
                log.warning("model %s failed its warm-up", slot, exc_info=True)
                errors[slot] = error
            else:
                profiles.append(profile)
                known.setdefault(spec, profile.batches)
        return profiles, errors

    def _measured(self, model: ServedModel, tensor: TensorSource, known: tuple[Batch, ...] | None) -> ModelProfile:
        return self._between_frames(lambda: self._engine.measure(model, tensor, known))

    def _between_frames(self, job: Callable[[], Answer]) -> Answer:
        future: Future[Answer] = Future()
        with self._condition:
            if self._stopping.is_set():
                raise _stopped()
            self._jobs.append((job, future))
        self._wake()
        return future.result()

    def _wake(self) -> None:
        with self._condition:
            self._has_news = True
            self._condition.notify()

    def _loop(self) -> None:
        torch.set_num_threads(self._threads)  # counts for the thread that calls it
        while not self._stopping.is_set():
            self._at_work_since = self._clock()
            try:
                self._allocator.note(self._clock(), self._memory.held_bytes)
                if not (self._do_job() or self._engine.score_when_due() or self._engine.step()):
                    self._sleep()
            except Exception:  # the edge of the thread: a box runs on for months
                log.exception("the executor failed and goes on in %s s", _AFTER_FAILURE_S)
                self._at_work_since = None
                self._stopping.wait(_AFTER_FAILURE_S)

    def _do_job(self) -> bool:
        with self._condition:
            if not self._jobs:
                return False
            job, future = self._jobs.popleft()
        try:
            future.set_result(job())
        except Exception as error:  # noqa: BLE001  (it belongs to whoever asked for the job)
            future.set_exception(error)
        return True

    def _sleep(self) -> None:
        accuracy = self._engine.live_accuracy
        self._at_work_since = None
        timeout_s = _SCORING_CHECK_S if accuracy is not None and accuracy.is_watching else None
        with self._condition:
            self._condition.wait_for(lambda: self._has_news or self._stopping.is_set(), timeout_s)
            self._has_news = False


def _stopped() -> ExecutorStopped:
    return ExecutorStopped("The executor was stopped; nothing was changed. Start the box's software again.")
