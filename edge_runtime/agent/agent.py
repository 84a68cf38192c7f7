"""The loops of a box beside its models: follow the target, send statistics and previews, keep the link.

All of it runs on one event loop; whatever blocks goes to a thread. The server may be away at any time.
"""

import asyncio
import contextlib
import logging
import random
import time
import uuid
from pathlib import Path

import psutil
from msgspec.structs import replace

from edge_runtime.agent.bundle_desk import BundleDesk
from edge_runtime.agent.condition import report
from edge_runtime.agent.event_spool import EventSpool
from edge_runtime.agent.events import send_events
from edge_runtime.agent.identity import Identity
from edge_runtime.agent.link import Link
from edge_runtime.agent.log_desk import LogDesk
from edge_runtime.agent.measuring import tell_measured
from edge_runtime.agent.outbox import Outbox
from edge_runtime.agent.own_identity import OwnIdentity
from edge_runtime.agent.ports import Cameras, Health, Serving
from edge_runtime.agent.preview import FRESH_S, Look, PreviewDesk, preview_message
from edge_runtime.agent.recall import Recall, load_recall, save_recall
from edge_runtime.agent.reconciler import Reconciler
from edge_runtime.agent.requests import RequestDesk
from edge_runtime.agent.server import NotAuthorised, ServerApi
from edge_runtime.agent.spooling import StatsKeeper
from edge_runtime.agent.stats_spool import StatsSpool
from edge_runtime.answers.desk import AnswerDesk
from edge_runtime.answers.results import ResultBoard
from edge_runtime.bundles.files import disk_problem
from edge_runtime.bundles.store import BundleStore
from edge_runtime.bundles.throttle import Throttle
from edge_runtime.protocol.backoff import reconnect_delay_s
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.messages import LogWanted, Nudge, PreviewWanted, QuerySample, Report, Stats, ToBox
from edge_runtime.protocol.target import Privacy, TargetState

STATS_INTERVAL_S = 1.0
# A camera that no query uses still shows that it lives, and has a picture ready.
_IDLE_FPS = 2.0
_PREVIEW_TICK_S = 0.05
_REFUSED_RETRY_S = 60.0

log = logging.getLogger(__name__)


class Agent:
    """`board` and `answers` are filled by the executor through `edge_runtime.app`, `spool` by an EventDesk."""

    def __init__(
        self,
        *,
        identity: Identity,
        state_dir: Path,
        api: ServerApi,
        serving: Serving,
        cameras: Cameras,
        board: ResultBoard,
        throttle: Throttle,
        answers: AnswerDesk,
        spool: EventSpool,
        stats_spool: StatsSpool,
        health: Health,
    ) -> None:
        self._answers, self._spool = answers, spool
        self._state_dir, self._api, self._serving, self._cameras, self._board = state_dir, api, serving, cameras, board
        self._identity = OwnIdentity(state_dir, identity)
        self._health = health
        self._boot_id, self._seq = uuid.uuid4().hex, 0
        self._outbox = Outbox()
        self._link = Link(identity, self._outbox, self._on_message)
        self._stats_keeper = StatsKeeper(self._outbox, stats_spool, self._link.wake)
        self._previews = PreviewDesk()
        self._log_desk = LogDesk(self._boot_id, health.log_lines)
        self._nudged, self._preview_wanted = asyncio.Event(), asyncio.Event()
        self._requests = RequestDesk(api=api, cameras=cameras, board=board, on_change=self._tell)
        self.bundles = BundleDesk(
            api=api,
            store=BundleStore(state_dir / "bundles"),
            serving=serving,
            verify_with=(identity.server_public_key, identity.box),
            throttle=throttle,
            on_change=self._tell,
            on_new_key=lambda key: self._identity.change(server_public_key=key),
        )
        self._reconciler = Reconciler(
            bundles=self.bundles, cameras=cameras, requests=self._requests, on_change=self._tell
        )
        self._target: TargetState | None = None
        self._recalled = Recall()
        self._target_known, self._event_spooled = asyncio.Event(), asyncio.Event()
        self._disk_problems: tuple[str, ...] = ()
        self._trouble = ""  # with the server's HTTP side, for the log

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow_target())
                tasks.create_task(self._link.run())
                tasks.create_task(self._stats_keeper.run())
                tasks.create_task(self._send_stats())
                tasks.create_task(self._send_previews())
                tasks.create_task(tell_measured(self._serving, self._api))
                tasks.create_task(self._send_events())
        finally:
            await self._stats_keeper.stop()
            await self._requests.stop()
            await self.bundles.stop()
            await self._api.close()

    def privacy_of(self, camera: str) -> Privacy | None:
        """As wanted now; None for a camera that is not of this box. From any thread."""
        cameras = self._target.cameras if self._target else ()
        return next((target.privacy for target in cameras if target.camera == camera), None)

    def report(self) -> Report:
        bundles = self.bundles
        return report(
            target=self._target,
            failures=self._reconciler.failures,
            progress=bundles.progress,
            model_problems=self._serving.problems(),
            warnings=(
                *self._disk_problems,
                *self._stats_keeper.warnings(),
                *self._health.warnings(),
                *self._serving.warnings(),
                *self._answers.warnings(),
            ),
            cameras=self._cameras.samples(),
            running=(bundles.running, bundles.manifest.version if bundles.manifest else 0),
            bytes_downloaded=bundles.bytes_downloaded,
            is_confirmed=bundles.is_confirmed,
            refused=bundles.refused.digest if bundles.refused else "",
        )

    def _on_message(self, message: ToBox) -> None:
        if isinstance(message, Nudge):
            self._nudged.set()
        elif isinstance(message, PreviewWanted):
            self._previews.want(message)
            self._preview_wanted.set()
        elif isinstance(message, LogWanted) and (lines := self._log_desk.answer(message)):
            self._outbox.add_log(lines)
            self._link.wake()

    async def _follow_target(self) -> None:
        recall = self._recalled = load_recall(self._state_dir)
        if recall.running:
            await self._reconciler.resume(recall.running, recall.queries)
        self._target = recall.target
        attempt = 0
        while True:
            self._nudged.clear()
            attempt = await self._fetch_target(attempt)
            if self._target is not None:
                self._target_known.set()
                if self._target.renew_credential and not attempt:
                    await self._renew_credential()
                await self._reconciler.bring_to(self._target)
                self._set_rates()
                await self._remember()
            await self._pause(attempt)

    async def _renew_credential(self) -> None:
        """Kept on disk before it is used. Whatever fails on the way, the old one works and the server asks again."""
        try:
            credential = await self._api.credential_new()
            await asyncio.to_thread(self._identity.change, credential=credential)
        except (GemelError, OSError) as error:
            log.warning("The credential was not renewed: %s", error)
            return
        self._api.use_credential(credential)
        self._link.use_credential(credential)
        self._nudged.set()  # the next question uses it, and thereby ends the old one
        log.info("The server has given this box a new credential.")

    async def _fetch_target(self, attempt: int) -> int:
        """Asks the server; keeps the target known before when it cannot. Returns the next attempt number."""
        try:
            self._target = await self._api.target() or self._target
        except GemelError as error:
            if self._trouble != str(error):
                log.warning("%s The box keeps running what it has.", error)
            self._trouble = str(error)
            return max(attempt + 1, 8) if isinstance(error, NotAuthorised) else attempt + 1
        self._trouble = ""
        return 0

    async def _pause(self, attempt: int) -> None:
        """Until the next poll, the next retry, or a nudge, whichever comes first."""
        poll_s = self._target.poll_s if self._target else 10.0
        if attempt:
            poll_s = reconnect_delay_s(attempt, random.random(), cap_s=_REFUSED_RETRY_S)
        retry_s = self._reconciler.retry_in_s
        wait_s = poll_s if retry_s is None else min(poll_s, max(0.2, retry_s))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):  # Python 3.11's wait_for loses a cancellation that meets a nudge
                await self._nudged.wait()

    async def _remember(self) -> None:
        recall = Recall(self._target, self.bundles.running, self.bundles.queries)
        if recall == self._recalled:
            return
        for keeper in (self._board, self._answers):
            keeper.keep_only(query.query for query in recall.queries)
        try:
            await asyncio.to_thread(save_recall, self._state_dir, recall)
        except OSError as error:  # tried again at the next poll
            self._disk_problems = (disk_problem(self._state_dir, error),)
            log.warning(self._disk_problems[0])
        else:
            self._recalled, self._disk_problems = recall, ()
        self._tell()

    def _set_rates(self) -> None:
        """Every camera converts only as many pictures as somebody needs."""
        wanted = dict.fromkeys(self._cameras.targets, _IDLE_FPS)
        asked = [(query.camera, query.rate_fps) for query in self.bundles.queries]
        for camera, rate in (*asked, *self._requests.rates().items(), *self._previews.rates().items()):
            wanted[camera] = max(wanted.get(camera, 0.0), rate)
        for camera, rate in wanted.items():
            self._cameras.want_rate(camera, rate)

    def _tell(self) -> None:
        """Send the report if it changed."""
        if self._outbox.set_report(self.report()):
            self._link.wake()

    async def _send_stats(self) -> None:
        process = psutil.Process()
        process.cpu_percent()
        last = time.monotonic()
        while True:
            await asyncio.sleep(STATS_INTERVAL_S)
            now = time.monotonic()
            memory, queries = self._serving.sample()
            self._seq += 1
            stats = Stats(
                boot_id=self._boot_id,
                seq=self._seq,
                at=time.time(),
                interval_s=now - last,
                bundle_version=self.bundles.manifest.version if self.bundles.manifest else 0,
                memory=memory,
                queries=self._with_appeared(queries),
                cameras=self._cameras.samples(),
                cpu_percent=process.cpu_percent(),
                host=self._health.sample(),
                samples_dropped=self._stats_keeper.dropped,
            )
            last = now
            self._outbox.add_stats(stats)
            if self.bundles.note(queries, self._serving.problems()):
                self._nudged.set()  # the health window has come to a verdict
            self._set_rates()
            self._tell()
            self._link.wake()

    def _with_appeared(self, queries: tuple[QuerySample, ...]) -> tuple[QuerySample, ...]:
        appeared = self._answers.take_appeared()
        return tuple(replace(query, appeared=appeared.get(query.query, {})) for query in queries)

    async def _send_events(self) -> None:
        loop = asyncio.get_running_loop()

        def note_added() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._event_spooled.set)

        self._spool.on_added = note_added
        # Before the target is known, nobody knows what the cameras' privacy allows.
        await self._target_known.wait()
        await send_events(self._spool, self._api, self.privacy_of, self._event_spooled)

    async def _send_previews(self) -> None:
        while True:
            await self._preview_wanted.wait()
            self._set_rates()
            while self._previews.rates():
                for look in self._previews.due():
                    await self._send_preview(look)
                await asyncio.sleep(_PREVIEW_TICK_S)
            self._preview_wanted.clear()
            self._set_rates()

    async def _send_preview(self, look: Look) -> None:
        target = self._cameras.targets.get(look.camera)
        if target is None or target.privacy is Privacy.OFF or not self._outbox.is_connected:
            return
        results = self._board.of_camera(look.camera, since=time.monotonic() - FRESH_S)
        latest = self._cameras.latest(look.camera)
        message = await asyncio.to_thread(preview_message, look, target.privacy, latest, results)
        if message is not None:
            self._outbox.add_preview(message)
            self._link.wake()
