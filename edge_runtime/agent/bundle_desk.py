"""The bundle that runs, the one that is fetched, and whether a new one does well: what `reconciler` has done with them.

A new bundle is on trial for a health window. One that fails in it, that crashes the box, or that the server cannot
serve is given up, and the last good one runs again, until the server names another or a person has it tried again.
"""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from edge_runtime.agent.health_window import HealthWindow, Loss, Verdict
from edge_runtime.agent.ports import Serving
from edge_runtime.bundles.fetch import BundleSource, OnProgress, fetch_bundle
from edge_runtime.bundles.pointer import Refusal
from edge_runtime.bundles.store import BundleError, BundleStore, DiskRefused
from edge_runtime.bundles.throttle import Throttle
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest
from edge_runtime.protocol.messages import QuerySample
from edge_runtime.protocol.signing import KeyRotation, SignatureError, newest_key
from edge_runtime.protocol.sizes import format_size
from edge_runtime.protocol.target import BundleTarget, QueryTarget

MAX_STARTS = 3  # of a bundle that never lasted its health window: the process died each time
_LOSS_INTERVALS = 60

log = logging.getLogger(__name__)


class BundleServer(BundleSource, Protocol):
    async def key_rotations(self) -> tuple[KeyRotation, ...]: ...


class BundleDesk:
    """Runs on the event loop. `on_change` is called whenever `progress` may have changed."""

    def __init__(
        self,
        *,
        api: BundleServer,
        store: BundleStore,
        serving: Serving,
        verify_with: tuple[str, str],
        throttle: Throttle,
        on_change: Callable[[], None],
        on_new_key: Callable[[str], None],
    ) -> None:
        """`verify_with`: (the server's public key, this box's id), which every manifest must fit.

        `on_new_key` hears the key that the server has moved on to, to remember it.
        """
        self._api, self._store, self._serving, self._throttle = api, store, serving, throttle
        self._verify_with = verify_with
        self._on_change, self._on_new_key = on_change, on_new_key
        self._window: HealthWindow | None = None
        self._started: set[str] = set()
        self._losses: deque[Loss] = deque(maxlen=_LOSS_INTERVALS)
        self.health_window_s = 60.0
        self.wanted: BundleTarget | None = None
        self.manifest: Manifest | None = None
        self.running = ""
        self.queries: tuple[QueryTarget, ...] = ()
        self.progress = ""
        self.bytes_downloaded = 0

    @property
    def is_confirmed(self) -> bool:
        return self._window is None

    @property
    def verdict(self) -> Verdict | None:
        return self._window.verdict(time.monotonic()) if self._window else None

    @property
    def refused(self) -> Refusal | None:
        """What was given up, while the server still wants it."""
        refused, wanted = self._store.pointer.refused, self.wanted
        if refused is None or wanted is None or (wanted.manifest_digest, wanted.attempt) != _key(refused):
            return None
        return refused

    @property
    def fallback(self) -> str:
        """Digest of what runs instead of a refused bundle: what runs now, or the last good one where that is it."""
        pointer = self._store.pointer
        is_bad = pointer.refused is not None and pointer.refused.digest == self.running
        return pointer.good or self.running if is_bad else self.running

    async def slots(self, digest: str) -> frozenset[str]:
        """Of the models in a bundle on disk; none for one that is not there."""
        try:
            manifest = await asyncio.to_thread(self._store.manifest, digest) if digest else None
        except GemelError:
            return frozenset()
        return frozenset(model.slot for model in manifest.models) if manifest else frozenset()

    async def is_staged(self, digest: str) -> bool:
        return await asyncio.to_thread(self._store.is_staged, digest)

    def note(self, samples: Sequence[QuerySample], problems: Mapping[str, str]) -> bool:
        """One interval of statistics; True when the health window has come to a verdict."""
        self._losses.append(Loss().plus(samples))
        if self._window is None:
            return False
        self._window.note(time.monotonic(), samples, problems)
        return self.verdict is not None

    async def fetch(self, bundle: BundleTarget) -> None:
        self.bytes_downloaded = 0

        def note(on_disk: int, in_all: int, size_bytes: int) -> None:
            self.progress = (
                f"The box is fetching bundle version {bundle.version}: {format_size(on_disk)} of {format_size(in_all)}."
            )
            # Not a report of its own for each part: the next statistics take it along.
            self.bytes_downloaded += size_bytes

        try:
            try:
                await self._fetch(bundle, note)
            except SignatureError:
                if not await self._follow_key():
                    raise
                await self._fetch(bundle, note)
        finally:
            self.progress = ""

    async def _fetch(self, bundle: BundleTarget, note: OnProgress) -> None:
        await fetch_bundle(
            bundle.manifest_digest,
            api=self._api,
            store=self._store,
            verify_with=self._verify_with,
            throttle=self._throttle,
            on_progress=note,
        )

    async def _follow_key(self) -> bool:
        """Whether the server has a newer key that the pinned one vouches for; then that one is pinned."""
        pinned, box = self._verify_with
        newest = newest_key(pinned, await self._api.key_rotations())
        if newest == pinned:
            return False
        self._verify_with = newest, box
        await asyncio.to_thread(self._on_new_key, newest)
        log.info("The server signs with a new key, which the old one vouches for.")
        return True

    async def run(self, digest: str, queries: tuple[QueryTarget, ...]) -> None:
        """The pointer moves only after the bundle runs, so a restart comes back to what really worked."""
        manifest = self._store.manifest(digest)
        await self._require_survivable(manifest, digest)
        self.progress = f"The box is warming up bundle version {manifest.version}."
        self._on_change()
        try:
            prepared = await asyncio.to_thread(self._serving.prepare, manifest, queries, self._store.tensor)
            await asyncio.to_thread(self._serving.activate, prepared)
        finally:
            self.progress = ""
        before = self._loss_before(manifest, queries)
        is_new = digest != self.running
        self.manifest, self.running, self.queries = manifest, digest, queries
        version = {"bundle_version": manifest.version}
        log.info("Running bundle version %d with %d queries", manifest.version, len(queries), extra=version)
        if is_new:
            self._open_window(before)
        await asyncio.to_thread(self._store.activate, digest)
        await asyncio.to_thread(self._store.collect_garbage)

    async def resume(self, digest: str, queries: tuple[QueryTarget, ...]) -> None:
        """Runs what ran before the box started; where that took the box down too often, the last good bundle."""
        try:
            await self._run_kept(digest, queries)
        except GemelError as error:
            log.warning("The last bundle did not start again: %s", error)
            good = self._store.pointer.good
            if good and good != digest:
                await self._run_kept(good, queries)

    async def confirm(self) -> None:
        if self.running:
            await asyncio.to_thread(self._store.activate, self.running)  # the disk may have been full when it started
        await asyncio.to_thread(self._store.confirm)
        self._window = None
        await asyncio.to_thread(self._store.collect_garbage)
        log.info("Bundle version %d has proved good", self.manifest.version if self.manifest else 0)

    async def refuse(self, bundle: BundleTarget, reason: str) -> None:
        """Gives up `bundle`; `reason` is one sentence."""
        if bundle.manifest_digest == self.running:
            self._window = None
        good = self._store.pointer.good
        kept = "and went back to the last good one" if good else "and has no good one to go back to"
        if bundle.manifest_digest != self.running:
            kept = "and keeps what it runs"
        sentence = f"{reason} The box gave this bundle up {kept}. Once the cause is gone, have it tried again."
        await asyncio.to_thread(self._store.refuse, Refusal(bundle.manifest_digest, bundle.attempt, sentence))
        log.warning(sentence)

    async def stop(self) -> None:
        """An end in order is not held against the bundle on trial."""
        with contextlib.suppress(DiskRefused):  # one start too many is counted, no more
            await asyncio.to_thread(self._store.forgive_start)

    async def _run_kept(self, digest: str, queries: tuple[QueryTarget, ...]) -> None:
        if await self.is_staged(digest):
            slots = await self.slots(digest)
            await self.run(digest, tuple(query for query in queries if query.slot in slots))

    async def _require_survivable(self, manifest: Manifest, digest: str) -> None:
        if digest in self._started:
            return
        starts = await asyncio.to_thread(self._store.count_start, digest)
        if starts > MAX_STARTS:
            attempt = self.wanted.attempt if self.wanted and self.wanted.manifest_digest == digest else 0
            reason = f"Bundle version {manifest.version} ended the box's program {MAX_STARTS} times."
            await self.refuse(BundleTarget(digest, manifest.version, attempt), reason)
            raise BundleError(reason)
        self._started.add(digest)

    def _loss_before(self, manifest: Manifest, queries: tuple[QueryTarget, ...]) -> Loss | None:
        """Of the bundle that ran until now; None where other queries ran, so that nothing can be compared."""
        if self.manifest is None or {query.query for query in queries} != {query.query for query in self.queries}:
            return None
        return Loss(sum(loss.captured for loss in self._losses), sum(loss.lost for loss in self._losses))

    def _open_window(self, before: Loss | None) -> None:
        self._losses.clear()
        if self.manifest is None or self._store.pointer.good == self.running:
            self._window = None
            return
        self._window = HealthWindow(
            time.monotonic(),
            self.health_window_s,
            before=before,
            targets={query.query: query.accuracy_target for query in self.queries},
            name=f"Bundle version {self.manifest.version}",
        )


def _key(refused: Refusal) -> tuple[str, int]:
    return refused.digest, refused.attempt
