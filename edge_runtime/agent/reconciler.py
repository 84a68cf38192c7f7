"""Carries out the steps towards the target state, one after the other, and remembers what failed.

It decides nothing but when to try again: `steps.required_steps` says what is to be done. Probes and frame requests take
long and run beside. A failed step leaves the box as it was and becomes a sentence of the report.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from edge_runtime.agent.ports import Cameras, Serving
from edge_runtime.agent.requests import RequestDesk
from edge_runtime.agent.server import ServerApi
from edge_runtime.agent.steps import (
    AnswerProbe,
    Current,
    FetchBundle,
    RelabelCamera,
    RunBundle,
    SendFrames,
    StartCamera,
    Step,
    StopCamera,
    StopFrames,
    required_steps,
)
from edge_runtime.bundles.fetch import fetch_bundle
from edge_runtime.bundles.store import BundleStore
from edge_runtime.protocol.backoff import reconnect_delay_s
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest
from edge_runtime.protocol.target import QueryTarget, TargetState

log = logging.getLogger(__name__)

# A refusal by rule (budget too small, bad signature) seldom changes by itself.
_REFUSED_RETRY_S = 120.0


@dataclass(frozen=True)
class Failure:
    sentence: str
    attempts: int
    retry_at: float


class Reconciler:
    """Runs on the event loop. `on_change` is called whenever what it reports may have changed."""

    def __init__(
        self,
        *,
        api: ServerApi,
        store: BundleStore,
        serving: Serving,
        cameras: Cameras,
        requests: RequestDesk,
        verify_with: tuple[str, str],
        on_change: Callable[[], None],
    ) -> None:
        """`verify_with`: (the server's public key, this box's id), which every manifest must fit."""
        self._api, self._store, self._serving, self._cameras = api, store, serving, cameras
        self._requests = requests
        self._public_key, self._box = verify_with
        self._on_change = on_change
        self._failures: dict[Step, Failure] = {}
        self.manifest: Manifest | None = None
        self.running = ""
        self.queries: tuple[QueryTarget, ...] = ()
        self.progress = ""
        self.bytes_downloaded = 0

    @property
    def failures(self) -> tuple[str, ...]:
        return tuple(failure.sentence for failure in self._failures.values()) + self._requests.failures

    @property
    def retry_in_s(self) -> float | None:
        """Until the first failed step is due again; None when nothing failed."""
        times = [failure.retry_at for failure in self._failures.values()]
        return max(0.0, min(times) - time.monotonic()) if times else None

    async def bring_to(self, target: TargetState) -> None:
        """One pass over all steps that are due. Never raises GemelError."""
        steps = required_steps(target, await self._current(target))
        self._failures = {step: failure for step, failure in self._failures.items() if step in steps}
        for step in steps:
            failure = self._failures.get(step)
            is_due = failure is None or time.monotonic() >= failure.retry_at
            is_possible = not (isinstance(step, RunBundle) and FetchBundle(step.bundle) in self._failures)
            if is_due and is_possible:
                await self._try(step)
        self.progress = ""
        self._on_change()

    async def resume(self, running: str, queries: tuple[QueryTarget, ...]) -> None:
        """After a start: run what ran before, from disk, whether or not the server is there. Never raises GemelError.

        A bundle that does not start is only logged: the target state is about to say what to run.
        """
        try:
            if await asyncio.to_thread(self._store.is_staged, running):
                await self._run(running, queries)
        except GemelError as error:
            log.warning("The last bundle did not start again: %s", error)
        self._on_change()

    async def _current(self, target: TargetState) -> Current:
        digest = target.bundle.manifest_digest if target.bundle else ""
        is_staged = bool(digest) and await asyncio.to_thread(self._store.is_staged, digest)
        return Current(
            running=self.running,
            queries=self.queries,
            staged=frozenset({digest} if is_staged else ()),
            cameras=self._cameras.targets,
            probes=self._requests.probes,
            frame_requests=self._requests.frame_requests,
            collecting=self._requests.collecting,
        )

    async def _try(self, step: Step) -> None:
        try:
            await self._carry_out(step)
        except GemelError as error:
            attempts = self._failures[step].attempts + 1 if step in self._failures else 1
            delay = reconnect_delay_s(attempts, random.random()) if error.is_retryable else _REFUSED_RETRY_S
            self._failures[step] = Failure(str(error), attempts, time.monotonic() + delay)
            log.warning("%s: %s", type(step).__name__, error)
        else:
            self._failures.pop(step, None)
        self._on_change()

    def _carry_out(self, step: Step) -> Awaitable[None]:
        match step:
            case StopCamera(camera):
                return asyncio.to_thread(self._cameras.stop, camera)
            case StartCamera(target):
                return asyncio.to_thread(self._cameras.start, target)
            case RelabelCamera(target):
                return asyncio.to_thread(self._cameras.relabel, target)
            case FetchBundle(bundle):
                return self._fetch(bundle.manifest_digest, bundle.version)
            case RunBundle(bundle, queries):
                return self._run(bundle.manifest_digest, queries)
            case AnswerProbe() | SendFrames() | StopFrames():
                return self._requests.take(step)

    async def _fetch(self, digest: str, version: int) -> None:
        def note(done: int, of: int, size_bytes: int) -> None:
            self.progress = f"The box is fetching bundle version {version}: {done} of {of} parts."
            # Not a report of its own for each part: the next statistics take it along.
            self.bytes_downloaded += size_bytes

        await fetch_bundle(
            digest, api=self._api, store=self._store, public_key=self._public_key, box=self._box, on_progress=note
        )
        self.progress = ""

    async def _run(self, digest: str, queries: tuple[QueryTarget, ...]) -> None:
        """The pointer moves only after the bundle runs, so a restart comes back to what really worked."""
        manifest = self._store.manifest(digest)
        self.progress = f"The box is warming up bundle version {manifest.version}."
        self._on_change()
        try:
            prepared = await asyncio.to_thread(self._serving.prepare, manifest, queries, self._store.tensor)
            await asyncio.to_thread(self._serving.activate, prepared)
        finally:
            self.progress = ""
        self.manifest, self.running, self.queries = manifest, digest, queries
        log.info("Running bundle version %d with %d queries", manifest.version, len(queries))
        await asyncio.to_thread(self._store.activate, digest)
        await asyncio.to_thread(self._store.collect_garbage)
