"""What becomes an event, with which picture."""

import asyncio
from dataclasses import replace

import cv2
import numpy as np
import pytest

from edge_runtime.agent.event_spool import EventSpool
from edge_runtime.agent.events import EVENTS_PER_MINUTE, EventDesk, send_events
from edge_runtime.agent.server import ServerRefused
from edge_runtime.answers.sighting import Sighting
from edge_runtime.protocol.messages import EventReport
from edge_runtime.protocol.target import Privacy

PERSON = (0.25, 0.25, 0.5, 0.75)


class Rig:
    def __init__(self, folder):
        self.now, self.privacy = 0.0, {"gate": Privacy.FULL}
        self.spool = EventSpool(folder / "events.sqlite")
        self.desk = EventDesk(self.spool, lambda camera: self.privacy.get(camera), clock=lambda: self.now)

    def spooled(self, *sightings):
        for sighting in sightings:
            self.desk.take(sighting)
        while self.desk.work():
            pass
        found = []
        while (spooled := self.spool.oldest()) is not None:
            found.append(spooled)
            self.spool.remove(spooled.number)
        return found


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


def sighting(frame, **fields):
    made = Sighting("people", "People", "gate", "appeared", "person", 10.0, 12.0, 0.8, PERSON, frame)
    return replace(made, **fields)


def image_of(picture):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def roughness(image):
    """Noise is rough; blurred or coarse noise is not."""
    return float(np.abs(np.diff(image.astype(float), axis=1)).mean())


INSIDE = (slice(24, 40), slice(24, 36))  # of PERSON, away from the drawn box
OUTSIDE = (slice(5, 55), slice(55, 78))


def test_tells_what_was_seen_with_a_box_drawn_on_the_picture(rig, frame):
    picture = frame(1)
    (spooled,) = rig.spooled(sighting(picture))
    event = spooled.event
    assert (event.query, event.camera, event.kind, event.label) == ("people", "gate", "appeared", "person")
    assert (event.at, event.until, event.score, event.box) == (10.0, 12.0, 0.8, PERSON)
    shown = image_of(spooled.picture)
    assert shown.shape == (60, 80, 3)
    assert roughness(shown[INSIDE]) > 30
    plain = cv2.imencode(".jpg", picture.image)[1]
    assert np.abs(shown.astype(int) - image_of(plain.tobytes()).astype(int)).max() > 50


def test_every_event_has_a_name_of_its_own(rig, frame):
    one, other = rig.spooled(sighting(frame(1)), sighting(frame(1)))
    assert one.event.event != other.event.event


def test_keeps_pictures_in_where_privacy_says_so(rig, frame):
    rig.privacy["gate"] = Privacy.OFF
    (spooled,) = rig.spooled(sighting(frame(1)))
    assert spooled.picture is None
    (unknown,) = rig.spooled(sighting(frame(1), camera="removed"))
    assert unknown.picture is None


def test_blurs_people_found_on_that_very_frame_by_any_query(rig, frame, detection):
    rig.privacy["gate"] = Privacy.BLURRED
    picture = frame(1, captured_at=5.0)
    rig.desk.note(detection(picture, (1, 0.9, PERSON), query="other"))
    (spooled,) = rig.spooled(sighting(picture, box=(0.7, 0.0, 1.0, 0.3), label="car"))
    shown = image_of(spooled.picture)
    assert roughness(shown[INSIDE]) < 12
    assert roughness(shown[OUTSIDE]) > 30


def test_blurs_everything_where_nobody_looked_for_people(rig, frame, detection):
    rig.privacy["gate"] = Privacy.BLURRED
    rig.desk.note(detection(frame(1, captured_at=4.0), (1, 0.9, PERSON)))  # another frame
    (spooled,) = rig.spooled(sighting(frame(1, captured_at=5.0), box=(0.7, 0.0, 1.0, 0.3)))
    shown = image_of(spooled.picture)
    assert roughness(shown[20:55, 5:50]) < 25
    assert roughness(shown[20:55, 5:50]) < roughness(frame(1).image[20:55, 5:50]) / 2


def test_blurs_people_that_the_source_itself_knows(rig, frame, person):
    rig.privacy["gate"] = Privacy.BLURRED
    (spooled,) = rig.spooled(sighting(frame(1, objects=(person,)), box=(0.7, 0.0, 1.0, 0.3)))
    assert roughness(image_of(spooled.picture)[INSIDE]) < 12


def test_a_busy_street_is_limited_and_counted(rig, frame):
    made = [sighting(None) for _ in range(EVENTS_PER_MINUTE + 3)]
    assert len(rig.spooled(*made)) == EVENTS_PER_MINUTE
    assert rig.desk.limited == 3
    assert len(rig.spooled(sighting(None, query="another"))) == 1
    rig.now = 60.0
    assert len(rig.spooled(sighting(None))) == 1


def test_a_changed_answer_is_written_below_the_picture(rig, frame):
    white = replace(frame(1), image=np.full((120, 160, 3), 255, np.uint8))
    (spooled,) = rig.spooled(sighting(white, kind="changed", label="busy", box=None))
    shown = image_of(spooled.picture)
    assert shown[-8:].mean() < 150 < shown[:60].mean()


class Server:
    def __init__(self, *answers):
        self.answers, self.received = list(answers), []

    async def event_add(self, event, picture):
        self.received.append((event.event, picture))
        answer = self.answers.pop(0) if self.answers else None
        if answer:
            raise answer


async def sent(rig, server, count):
    task = asyncio.create_task(send_events(rig.spool, server, lambda camera: rig.privacy.get(camera), asyncio.Event()))
    async with asyncio.timeout(5):
        while len(server.received) < count or rig.spool.waiting:
            await asyncio.sleep(0.005)
    task.cancel()
    return server.received


def report(name):
    return EventReport(name, "q", "gate", "appeared", "car", 1.0, None, 0.5)


async def test_sends_in_order_and_lets_go_what_the_server_refuses(rig):
    for name in ("a", "b", "c"):
        rig.spool.add(report(name), b"p", Privacy.FULL)
    received = await sent(rig, Server(None, ServerRefused("not_found", "No such query.")), 3)
    assert received == [("a", b"p"), ("b", b"p"), ("c", b"p")]


@pytest.mark.parametrize(
    ("made", "now", "goes_out"),
    [
        (Privacy.FULL, Privacy.FULL, True),
        (Privacy.BLURRED, Privacy.FULL, True),
        (Privacy.FULL, Privacy.BLURRED, False),
        (Privacy.BLURRED, Privacy.OFF, False),
        (Privacy.FULL, None, False),
    ],
)
async def test_a_camera_that_became_more_private_keeps_its_old_pictures(rig, made, now, goes_out):
    rig.spool.add(report("a"), b"p", made)
    rig.privacy = {"gate": now} if now else {}
    assert await sent(rig, Server(), 1) == [("a", b"p" if goes_out else None)]
