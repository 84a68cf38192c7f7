"""Carries out the steps towards the target state, one after the other, and remembers what failed.

It decides nothing but when to try again: `steps.required_steps` says what is to be done. Probes and frame requests take
long and run beside. A failed step leaves the box as it was and becomes a sentence of the report.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edge_runtime.agent.bundle_desk import BundleDesk
from edge_runtime.agent.ports import Cameras
from edge_runtime.agent.requests import RequestDesk
from edge_runtime.agent.server import ServerUnreachable
from edge_runtime.agent.steps import (
    AnswerProbe,
    ConfirmBundle,
    Current,
    FetchBundle,
    RefuseBundle,
    RelabelCamera,
    RunBundle,
    SendFrames,
    StartCamera,
    Step,
    StopCamera,
    StopFrames,
    required_steps,
)
from edge_runtime.bundles.store import DiskRefused
from edge_runtime.protocol.backoff import reconnect_delay_s
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.target import BundleTarget, QueryTarget, TargetState

log = logging.getLogger(__name__)

# A refusal by rule (budget too small, bad signature) seldom changes by itself.
_REFUSED_RETRY_S = 120.0
# What a server that answers cannot serve by then, it will not serve: a person has to look.
MAX_TRIES = 8


@dataclass(frozen=True)
class Failure:
    """`answered`: how many of the attempts were answered. A server that is away for days is no reason to give up."""

    sentence: str
    attempts: int
    answered: int
    retry_at: float


class Reconciler:
    """Runs on the event loop. `on_change` is called whenever what it reports may have changed."""

    def __init__(
        self, *, bundles: BundleDesk, cameras: Cameras, requests: RequestDesk, on_change: Callable[[], None]
    ) -> None:
        self._bundles, self._cameras, self._requests = bundles, cameras, requests
        self._on_change = on_change
        self._failures: dict[Step, Failure] = {}

    @property
    def failures(self) -> tuple[str, ...]:
        refused = self._bundles.refused
        sentences = [] if refused is None else [refused.sentence]
        return (*sentences, *(failure.sentence for failure in self._failures.values()), *self._requests.failures)

    @property
    def retry_in_s(self) -> float | None:
        """Until the first failed step is due again; None when nothing failed."""
        times = [failure.retry_at for failure in self._failures.values()]
        return max(0.0, min(times) - time.monotonic()) if times else None

    async def bring_to(self, target: TargetState) -> None:
        """One pass over all steps that are due, and one more where a bundle was given up. Never raises GemelError."""
        self._requests.forget_except(target)
        self._bundles.wanted, self._bundles.health_window_s = target.bundle, target.health_window_s
        refused = self._bundles.refused
        await self._pass(target)
        if self._bundles.refused != refused:
            await self._pass(target)
        self._on_change()

    async def _pass(self, target: TargetState) -> None:
        steps = required_steps(target, await self._current(target))
        self._failures = {step: failure for step, failure in self._failures.items() if step in steps}
        for step in steps:
            failure = self._failures.get(step)
            is_due = failure is None or time.monotonic() >= failure.retry_at
            is_possible = not (isinstance(step, RunBundle) and self._lacks(step.bundle))
            if is_due and is_possible:
                await self._try(step)

    def _lacks(self, bundle: BundleTarget) -> bool:
        refused = self._bundles.refused
        is_refused = refused is not None and refused.digest == bundle.manifest_digest
        return FetchBundle(bundle) in self._failures or is_refused

    async def resume(self, running: str, queries: tuple[QueryTarget, ...]) -> None:
        """After a start: run what ran before, from disk, whether or not the server is there. Never raises GemelError.

        A bundle that does not start is only logged: the target state is about to say what to run.
        """
        try:
            await self._bundles.resume(running, queries)
        except GemelError as error:
            log.warning("The last good bundle did not start either: %s", error)
        self._on_change()

    async def _current(self, target: TargetState) -> Current:
        bundles = self._bundles
        digest = target.bundle.manifest_digest if target.bundle else ""
        is_refused = bundles.refused is not None
        return Current(
            running=bundles.running,
            queries=bundles.queries,
            verdict=bundles.verdict,
            is_refused=is_refused,
            fallback=bundles.fallback,
            slots=await bundles.slots(bundles.fallback) if is_refused else frozenset(),
            staged=frozenset({digest} if digest and await bundles.is_staged(digest) else ()),
            cameras=self._cameras.targets,
            probes=self._requests.probes,
            frame_requests=self._requests.frame_requests,
            collecting=self._requests.collecting,
        )

    async def _try(self, step: Step) -> None:
        try:
            await self._carry_out(step)
        except GemelError as error:
            log.warning("%s: %s", type(step).__name__, error)
            await self._note_failure(step, error)
        except OSError as error:  # what a part of a step wrote by itself, such as the identity
            log.warning("%s: %s", type(step).__name__, error)
            sentence = f"The box cannot use its disk ({error.strerror or error}). It keeps running what it has."
            await self._note_failure(step, DiskRefused(sentence))
        else:
            self._failures.pop(step, None)
        self._on_change()

    async def _note_failure(self, step: Step, error: GemelError) -> None:
        before = self._failures.get(step, Failure("", 0, 0, 0.0))
        # A server that is away and a disk that is full say nothing against the bundle, and both pass.
        answered = before.answered + (not isinstance(error, ServerUnreachable | DiskRefused))
        is_fetch = isinstance(step, FetchBundle)
        if is_fetch and answered >= MAX_TRIES:
            with contextlib.suppress(DiskRefused):  # then it is tried once more
                await self._bundles.refuse(step.bundle, f"{error} It was tried {answered} times.")
                self._failures.pop(step, None)
                return
        attempts = before.attempts + 1
        delay = reconnect_delay_s(attempts, random.random()) if error.is_retryable or is_fetch else _REFUSED_RETRY_S
        self._failures[step] = Failure(str(error), attempts, answered, time.monotonic() + delay)

    def _carry_out(self, step: Step) -> Awaitable[None]:
        match step:
            case StopCamera(camera):
                return asyncio.to_thread(self._cameras.stop, camera)
            case StartCamera(target):
                return asyncio.to_thread(self._cameras.start, target)
            case RelabelCamera(target):
                return asyncio.to_thread(self._cameras.relabel, target)
            case FetchBundle(bundle):
                return self._bundles.fetch(bundle)
            case RunBundle(bundle, queries):
                return self._bundles.run(bundle.manifest_digest, queries)
            case RefuseBundle(bundle, reason):
                return self._bundles.refuse(bundle, reason)
            case ConfirmBundle():
                return self._bundles.confirm()
            case AnswerProbe() | SendFrames() | StopFrames():
                return self._requests.take(step)
