"""From sightings to events: limited in number, with a picture as the camera's privacy allows, spooled, sent.

Pictures are drawn and written by a thread of this desk's own; sending is a loop on the event loop. Counts are made
elsewhere and lose nothing by the limit.
"""

import asyncio
import logging
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable

import numpy as np

from edge_runtime.agent.event_spool import EventSpool, Spooled
from edge_runtime.agent.pictures import PREVIEW_QUALITY, jpeg, narrowed
from edge_runtime.agent.privacy import as_privacy_allows, finds_people, person_boxes
from edge_runtime.agent.retrying import until_accepted
from edge_runtime.agent.server import ServerApi
from edge_runtime.answers.results import Result
from edge_runtime.answers.sighting import Sighting
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.messages import EventReport
from edge_runtime.protocol.target import Privacy
from edge_runtime.vision.spec import Classification, Detections, Frame

log = logging.getLogger(__name__)

# A busy street must flood neither the box's disk nor the people who look.
EVENTS_PER_MINUTE = 12
_WAITING = 16
# Frames on which people were looked for: an object is told about 20 s after its best frame at the latest.
_FRAMES_REMEMBERED = 4096
_STRICTNESS = {Privacy.FULL: 0, Privacy.BLURRED: 1, Privacy.OFF: 2}

PrivacyOf = Callable[[str], Privacy | None]


class EventDesk:
    """`note` and `take` are an AnswerDesk's `on_result` and `on_sighting`: called on its thread, and quick.

    `privacy_of` a camera: None for one that is not known.
    """

    def __init__(
        self,
        spool: EventSpool,
        privacy_of: PrivacyOf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool, self._privacy_of, self._clock = spool, privacy_of, clock
        self._people: OrderedDict[tuple[str, float], np.ndarray] = OrderedDict()
        self._condition = threading.Condition()
        self._waiting: deque[Sighting] = deque()
        self._taken_at: dict[str, deque[float]] = {}
        self._is_stopping = False
        self.limited, self.dropped = 0, 0

    def start(self) -> None:
        threading.Thread(target=self._loop, name="events", daemon=True).start()

    def stop(self) -> None:
        with self._condition:
            self._is_stopping = True
            self._condition.notify()

    def note(self, result: Result) -> None:
        """Remembers where people are, for pictures of that frame."""
        frame = result.frame
        if not finds_people(result) or self._privacy_of(frame.camera) is not Privacy.BLURRED:
            return
        key, boxes = (frame.camera, frame.captured_at), person_boxes(frame, (result,))
        with self._condition:
            before = self._people.pop(key, None)
            self._people[key] = boxes if before is None else np.concatenate([before, boxes])
            while len(self._people) > _FRAMES_REMEMBERED:
                self._people.popitem(last=False)

    def take(self, sighting: Sighting) -> None:
        with self._condition:
            if not self._is_within_limit(sighting.query):
                self.limited += 1
            elif len(self._waiting) >= _WAITING:
                self.dropped += 1
            else:
                self._waiting.append(sighting)
                self._condition.notify()

    def work(self) -> bool:
        """Draws and spools one event; False when there was none. The thread's loop, or a test's."""
        with self._condition:
            sighting = self._waiting.popleft() if self._waiting else None
        if sighting is None:
            return False
        privacy = self._privacy_of(sighting.camera) or Privacy.OFF
        self._spool.add(_report(sighting), self._picture(sighting, privacy), privacy)
        return True

    def _loop(self) -> None:
        while not self._is_stopping:
            try:
                self.work()
            except Exception:  # the edge of the thread
                log.exception("an event could not be kept")
            with self._condition:
                self._condition.wait_for(lambda: self._waiting or self._is_stopping)

    def _is_within_limit(self, query: str) -> bool:
        now = self._clock()
        for name, times in list(self._taken_at.items()):
            while times and now - times[0] >= 60.0:
                times.popleft()
            if not times:
                del self._taken_at[name]
        times = self._taken_at.setdefault(query, deque())
        if len(times) >= EVENTS_PER_MINUTE:
            return False
        times.append(now)
        return True

    def _picture(self, sighting: Sighting, privacy: Privacy) -> bytes | None:
        frame = sighting.frame
        if frame is None:
            return None
        with self._condition:
            people = self._people.get((frame.camera, frame.captured_at))
        if people is None and frame.objects is not None:
            people = person_boxes(frame, ())
        image = as_privacy_allows(privacy, frame.image, people)
        if image is None:
            return None
        # Here, because supervision takes a second to import.
        from edge_runtime.agent.annotation import annotated

        return jpeg(annotated(narrowed(image), (_drawn(sighting, frame),)), quality=PREVIEW_QUALITY)


async def send_events(spool: EventSpool, api: ServerApi, privacy_of: PrivacyOf, has_news: asyncio.Event) -> None:
    """Sends the oldest, again and again, until cancelled. One that the server refuses is let go."""
    while True:
        has_news.clear()
        spooled = await asyncio.to_thread(spool.oldest)
        if spooled is None:
            await has_news.wait()
            continue
        try:
            await _send(spooled, api, privacy_of)
        except GemelError as error:
            log.warning("The server does not take an event of query %s: %s", spooled.event.query, error)
        await asyncio.to_thread(spool.remove, spooled.number)


async def _send(spooled: Spooled, api: ServerApi, privacy_of: PrivacyOf) -> None:
    # Asked before every attempt: somebody may have made the camera more private while the server was away.
    await until_accepted(lambda: api.event_add(spooled.event, _still_allowed(spooled, privacy_of)))


def _still_allowed(spooled: Spooled, privacy_of: PrivacyOf) -> bytes | None:
    now = privacy_of(spooled.event.camera) or Privacy.OFF
    is_allowed = now is not Privacy.OFF and _STRICTNESS[now] <= _STRICTNESS[spooled.privacy]
    return spooled.picture if is_allowed else None


def _report(sighting: Sighting) -> EventReport:
    return EventReport(
        event=str(uuid.uuid4()),
        query=sighting.query,
        camera=sighting.camera,
        kind=sighting.kind,
        label=sighting.label,
        at=sighting.at,
        until=sighting.until,
        score=min(max(sighting.score, 0.0), 1.0),
        box=sighting.box,
    )


def _drawn(sighting: Sighting, frame: Frame) -> Result:
    """The sighting as the one answer on its frame, for the drawing."""
    score = np.array([sighting.score], np.float32)
    prediction: Classification | Detections = Classification(0, score)
    if sighting.box is not None:
        prediction = Detections(np.array([sighting.box], np.float32), np.zeros(1, np.int64), score)
    return Result(sighting.query, sighting.name, (), frame, prediction, (sighting.label,))
