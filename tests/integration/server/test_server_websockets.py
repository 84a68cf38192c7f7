"""/ws/box and /ws/live against real Redis: acknowledgement, live updates, rights, previews, replaced connections."""

import json
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from asgiref.testing import ApplicationCommunicator
from channels.auth import AuthMiddlewareStack
from channels.layers import channel_layers
from django.contrib.auth.models import AnonymousUser
from django.test import Client

from edge_runtime.protocol.messages import (
    Ack,
    LogLine,
    LogLines,
    LogWanted,
    MemorySample,
    Nudge,
    PreviewAnswer,
    PreviewFind,
    PreviewWanted,
    Report,
    Stats,
    decode_to_box,
    encode_preview,
)
from webapp.common.database_thread import DatabaseThread
from webapp.dashboard.consumers import LiveConsumer
from webapp.fleets.models import Box, Role
from webapp.fleets.selectors import camera_preview
from webapp.fleets.services import box_revoke, camera_probe_request, membership_remove
from webapp.people.services import person_active_set
from webapp.rollouts.consumers import MESSAGE_MAX_BYTES, BoxConsumer
from webapp.rollouts.models import BoxReport
from webapp.telemetry.ingest import StatsIngest
from webapp.telemetry.models import BoxSample
from webapp.telemetry.services import Recorded, stats_record_all

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TIMEOUT_S = 20  # only a failure waits that long
pytestmark = pytest.mark.django_db(transaction=True)


def stats() -> Stats:
    """Just measured: old samples are not shown live."""
    return Stats("boot", 1, datetime.now(UTC).timestamp(), 1.0, 0, MemorySample(100, 0, 0, 0, 0, 100, 1), ())


class Socket(ApplicationCommunicator):
    """The client's side of a WebSocket, without a server. (channels.testing would need daphne.)"""

    def __init__(self, application: Any, path: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.scope: dict[str, Any] = {"type": "websocket", "path": path, "headers": headers or [], "subprotocols": []}
        super().__init__(application, self.scope)

    async def connect(self) -> tuple[bool, int | None]:
        """(accepted, close code)."""
        await self.send_input({"type": "websocket.connect"})
        answer = await self.receive_output(timeout=TIMEOUT_S)
        return (True, None) if answer["type"] == "websocket.accept" else (False, answer["code"])

    async def send_to(self, text: str | None = None, content: bytes | None = None) -> None:
        await self.send_input({"type": "websocket.receive", "text": text, "bytes": content})

    async def send_json_to(self, message: Any) -> None:
        await self.send_to(json.dumps(message))

    async def receive_from(self) -> Any:
        answer = await self.receive_output(timeout=TIMEOUT_S)
        assert answer["type"] == "websocket.send", answer
        return answer.get("text") or answer["bytes"]

    async def disconnect(self) -> None:
        if not self.future.done():
            await self.send_input({"type": "websocket.disconnect", "code": 1000})
            await self.wait(timeout=TIMEOUT_S)


@pytest.fixture
def fleet(transactional_db: None, make_fleet: Any) -> Any:
    return make_fleet(f"site {uuid4().hex[:8]}")


@pytest_asyncio.fixture
async def database() -> AsyncIterator[DatabaseThread]:
    thread = DatabaseThread()
    yield thread
    await thread.close()


@pytest_asyncio.fixture
async def open_sockets(database: DatabaseThread) -> AsyncIterator[list[Socket]]:
    """Sockets to close; each test has its own event loop and so its own connections to Redis."""
    channel_layers.backends.clear()
    sockets: list[Socket] = []
    yield sockets
    for socket in sockets:
        await socket.disconnect()


@pytest.fixture
def as_box(open_sockets: list[Socket], database: DatabaseThread) -> Any:
    async def connect(credential: str, record: Callable[..., Recorded] = stats_record_all) -> Socket:
        ingest = StatsIngest(database, record)
        headers = [(b"authorization", f"Bearer {credential}".encode())]
        socket = Socket(BoxConsumer.as_asgi(ingest=ingest, database=database), "/ws/box", headers)
        accepted, _ = await socket.connect()
        assert accepted
        open_sockets.append(socket)
        return socket

    return connect


@pytest.fixture
def as_person(open_sockets: list[Socket]) -> Any:
    async def connect(person: Any, *topics: str) -> Socket:
        socket = Socket(LiveConsumer.as_asgi(), "/ws/live")
        socket.scope["user"] = person
        accepted, _ = await socket.connect()
        assert accepted
        open_sockets.append(socket)
        if topics:
            await socket.send_json_to({"subscribe": list(topics)})
        return socket

    return connect


async def heard(socket: Socket, kind: str) -> dict[str, Any]:
    """The next message of that kind."""
    while True:
        message = json.loads(await socket.receive_from())
        if message["kind"] == kind:
            return message


async def subscribed(socket: Socket) -> None:
    """Messages are handled in order, so the answer to a wrong one says that those before are done."""
    await socket.send_json_to({"subscribe": ["nonsense"]})
    await heard(socket, "error")


async def test_statistics_are_stored_acknowledged_and_shown(fleet: Any, as_box: Any, as_person: Any) -> None:
    viewer = await as_person(fleet.people[Role.VIEWER], f"box:{fleet.box.id}")
    await subscribed(viewer)
    box = await as_box(fleet.credential)
    await box.send_to(msgspec.json.encode(stats()).decode())
    assert decode_to_box(await box.receive_from()) == Ack("boot", 1)
    assert (await heard(viewer, "connection"))["is_connected"] is True
    message = await heard(viewer, "stats")
    assert (message["topic"], message["stats"]["seq"]) == (f"box:{fleet.box.id}", 1)
    assert await BoxSample.objects.acount() == 1


async def test_a_page_that_looks_does_not_wait_for_the_database(fleet: Any, as_box: Any, as_person: Any) -> None:
    may_store = threading.Event()

    def when_it_may(**arguments: Any) -> Recorded:
        assert may_store.wait(TIMEOUT_S)
        return stats_record_all(**arguments)

    viewer = await as_person(fleet.people[Role.VIEWER], f"box:{fleet.box.id}")
    await subscribed(viewer)
    box = await as_box(fleet.credential, when_it_may)
    await box.send_to(msgspec.json.encode(stats()).decode())
    assert (await heard(viewer, "stats"))["stats"]["seq"] == 1
    assert not await BoxSample.objects.aexists()
    assert await box.receive_nothing(timeout=0.01)
    may_store.set()
    assert decode_to_box(await box.receive_from()) == Ack("boot", 1)


async def test_nonsense_is_survived_and_unusable_statistics_are_acknowledged_and_not_shown(
    fleet: Any, as_box: Any, as_person: Any
) -> None:
    viewer = await as_person(fleet.people[Role.VIEWER], f"box:{fleet.box.id}")
    await subscribed(viewer)
    box = await as_box(fleet.credential)
    await box.send_to("nonsense")
    await box.send_to(content=b"nonsense")
    unusable = msgspec.structs.replace(stats(), seq=2, cpu_percent=-1.0)
    await box.send_to(msgspec.json.encode(unusable).decode())
    assert decode_to_box(await box.receive_from()) == Ack("boot", 2)
    assert await BoxSample.objects.acount() == 0
    await box.send_to(msgspec.json.encode(msgspec.structs.replace(stats(), seq=3)).decode())
    assert (await heard(viewer, "stats"))["stats"]["seq"] == 3


async def test_a_report_is_recorded_and_a_change_nudges_the_box(fleet: Any, as_box: Any, as_person: Any) -> None:
    viewer = await as_person(fleet.people[Role.VIEWER], f"box:{fleet.box.id}")
    await subscribed(viewer)
    box = await as_box(fleet.credential)
    cameras = {str(fleet.camera.id): "A camera is away."}
    told = msgspec.to_builtins(Report("degraded", "A camera is away.", "", 0, camera_reasons=cameras))
    await box.send_to(msgspec.json.encode(told).decode())
    assert (await heard(viewer, "report"))["report"]["sentence"] == "A camera is away."
    report = await BoxReport.objects.aget()
    assert (report.state, report.camera_reasons) == ("degraded", cameras)
    del told["camera_reasons"]  # as a box of an older version
    await box.send_to(msgspec.json.encode(told).decode())
    assert (await heard(viewer, "report"))["report"]["camera_reasons"] == {}
    assert (await BoxReport.objects.aget()).camera_reasons == {}
    await sync_to_async(camera_probe_request)(actor=None, camera=fleet.camera, now=NOW)
    assert decode_to_box(await box.receive_from()) == Nudge()


@pytest.mark.parametrize("credential", ["", "wrong"])
async def test_a_box_without_a_valid_credential_is_not_let_in(
    transactional_db: None, database: DatabaseThread, credential: str
) -> None:
    headers = [(b"authorization", f"Bearer {credential}".encode())]
    box = BoxConsumer.as_asgi(ingest=StatsIngest(database), database=database)
    assert await Socket(box, "/ws/box", headers).connect() == (False, 4401)


async def test_a_box_of_an_unknown_version_is_closed_with_the_reason(
    fleet: Any, open_sockets: list[Socket], database: DatabaseThread
) -> None:
    headers = [(b"authorization", f"Bearer {fleet.credential}".encode()), (b"gemel-protocol", b"7-8")]
    box = BoxConsumer.as_asgi(ingest=StatsIngest(database), database=database)
    socket = Socket(box, "/ws/box", headers)
    assert (await socket.connect())[0]
    closed = await socket.receive_output(timeout=TIMEOUT_S)
    assert (closed["code"], "update the server" in closed["reason"]) == (4426, True)
    refused = await Box.objects.aget(id=fleet.box.id)
    assert (refused.is_connected, "update the server" in refused.refusal) == (False, True)


async def test_a_box_that_was_refused_and_is_let_in_is_refused_no_more(fleet: Any, as_box: Any) -> None:
    await Box.objects.filter(id=fleet.box.id).aupdate(refusal="The box speaks protocol 7-8.")
    box = await as_box(fleet.credential)
    await box.send_to(msgspec.json.encode(stats()).decode())
    await box.receive_from()  # what comes first is done by then
    assert (await Box.objects.aget(id=fleet.box.id)).refusal == ""


async def test_a_newer_box_may_say_more_than_this_server_knows(fleet: Any, as_box: Any) -> None:
    box = await as_box(fleet.credential)
    await box.send_json_to({"type": "mood", "of": "the box"})
    await box.send_json_to({"type": "stats", "mood": "good", **msgspec.to_builtins(stats())})
    assert decode_to_box(await box.receive_from()) == Ack("boot", 1)


async def test_a_message_that_is_too_large_ends_the_connection(fleet: Any, as_box: Any) -> None:
    box = await as_box(fleet.credential)
    await box.send_to("x" * (MESSAGE_MAX_BYTES + 1))
    assert await box.receive_output(timeout=TIMEOUT_S) == {"type": "websocket.close", "code": 4413}


async def test_a_revoked_box_is_thrown_out(fleet: Any, as_box: Any) -> None:
    box = await as_box(fleet.credential)
    await sync_to_async(box_revoke)(actor=None, box=fleet.box, now=NOW)
    assert await box.receive_output(timeout=TIMEOUT_S) == {"type": "websocket.close", "code": 4403}


async def test_a_second_connection_replaces_the_first_without_a_gap(fleet: Any, as_box: Any) -> None:
    first = await as_box(fleet.credential)
    second = await as_box(fleet.credential)
    assert await first.receive_output(timeout=TIMEOUT_S) == {"type": "websocket.close", "code": 4409}
    await first.disconnect()
    assert (await Box.objects.aget(id=fleet.box.id)).is_connected
    await second.disconnect()
    assert not (await Box.objects.aget(id=fleet.box.id)).is_connected


async def test_watching_a_camera_makes_its_box_send_pictures_that_arrive(
    fleet: Any, as_box: Any, as_person: Any, jpeg: bytes
) -> None:
    box = await as_box(fleet.credential)
    viewer = await as_person(fleet.people[Role.VIEWER], f"camera:{fleet.camera.id}")
    wanted = decode_to_box(await box.receive_from())
    assert isinstance(wanted, PreviewWanted)
    assert wanted.camera == str(fleet.camera.id)
    preview = encode_preview(str(fleet.camera.id), 5.0, jpeg)
    await box.send_to(content=preview)
    assert await viewer.receive_from() == preview
    assert await sync_to_async(camera_preview)(fleet.camera.id) == jpeg


async def test_who_draws_by_themselves_gets_plain_pictures_and_asks_for_no_others(
    fleet: Any, as_box: Any, as_person: Any, jpeg: bytes
) -> None:
    box = await as_box(fleet.credential)
    camera = str(fleet.camera.id)
    viewer = await as_person(fleet.people[Role.VIEWER], f"camera-plain:{camera}", f"camera:{camera}")
    assert decode_to_box(await box.receive_from()) == PreviewWanted(camera, 8.0, 4.0, is_plain=True)
    plain = encode_preview(camera, 5.0, jpeg, (PreviewAnswer("q", "cars", (PreviewFind("car", 0.9),)),))
    await box.send_to(content=plain)
    assert await viewer.receive_from() == plain
    assert await sync_to_async(camera_preview)(fleet.camera.id) is None  # stills are annotated
    annotated = encode_preview(camera, 6.0, jpeg)  # by a box of an older version
    await box.send_to(content=annotated)
    assert await viewer.receive_from() == annotated
    assert await box.receive_nothing(timeout=0.2)


async def test_looking_at_the_log_of_a_box_makes_it_send_lines_that_arrive(
    fleet: Any, as_box: Any, as_person: Any
) -> None:
    box = await as_box(fleet.credential)
    viewer = await as_person(fleet.people[Role.VIEWER], f"box-log:{fleet.box.id}")
    assert decode_to_box(await box.receive_from()) == LogWanted(is_whole=True)
    await box.send_json_to(msgspec.to_builtins(LogLines("b", (LogLine(1, 5.0, "info", "<b>started</b>"),))))
    said = await heard(viewer, "log")
    assert (said["kind"], said["boot"], said["lines"][0]["text"]) == ("log", "b", "<b>started</b>")


async def test_a_box_cannot_send_pictures_of_a_camera_of_another_box(
    fleet: Any, make_fleet: Any, as_box: Any, as_person: Any, jpeg: bytes
) -> None:
    other = await sync_to_async(make_fleet)("airport")
    viewer = await as_person(other.people[Role.VIEWER], f"camera:{other.camera.id}")
    await subscribed(viewer)
    box = await as_box(fleet.credential)
    await box.send_to(content=encode_preview(str(other.camera.id), 5.0, jpeg))
    await box.send_to(msgspec.json.encode(stats()).decode())
    await box.receive_from()
    assert await viewer.receive_nothing(timeout=0.2)
    assert await sync_to_async(camera_preview)(other.camera.id) is None


async def test_people_hear_only_of_their_own_sites(fleet: Any, make_fleet: Any, as_person: Any) -> None:
    other = await sync_to_async(make_fleet)("airport")
    topics = [f"box:{fleet.box.id}", f"camera:{fleet.camera.id}", f"site:{fleet.site.id}", f"merge-run:{uuid4()}", "x"]
    outsider = await as_person(other.people[Role.ADMINISTRATOR], *topics)
    for topic in topics:
        assert (await heard(outsider, "error"))["topic"] == topic


async def test_who_is_not_signed_in_hears_nothing(transactional_db: None) -> None:
    socket = Socket(LiveConsumer.as_asgi(), "/ws/live")
    socket.scope["user"] = AnonymousUser()
    assert await socket.connect() == (False, 4401)


async def test_who_is_switched_off_hears_no_more(fleet: Any, as_person: Any) -> None:
    person = fleet.people[Role.VIEWER]
    viewer = await as_person(person, f"site:{fleet.site.id}")
    await subscribed(viewer)
    await sync_to_async(person_active_set)(actor=None, person=person, is_active=False, now=NOW)
    assert await viewer.receive_output(timeout=TIMEOUT_S) == {"type": "websocket.close", "code": 4403}


async def test_who_loses_the_role_in_a_site_hears_no_more_of_it(fleet: Any, as_person: Any) -> None:
    person, topic = fleet.people[Role.VIEWER], f"site:{fleet.site.id}"
    viewer = await as_person(person, topic)
    await subscribed(viewer)
    await sync_to_async(membership_remove)(actor=None, site=fleet.site, person=person, now=NOW)
    assert (await heard(viewer, "error"))["topic"] == topic
    await sync_to_async(camera_probe_request)(actor=None, camera=fleet.camera, now=NOW)
    assert await viewer.receive_nothing(timeout=0.2)


async def test_a_session_that_ended_ends_its_pages_even_where_no_message_says_so(
    fleet: Any, open_sockets: list[Socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through what wraps session and person on the way, as in the product."""
    monkeypatch.setattr("webapp.dashboard.consumers.RIGHTS_CHECKED_EVERY_S", 0.1)
    person, browser = fleet.people[Role.VIEWER], Client()
    await sync_to_async(browser.force_login)(person)
    cookie = f"sessionid={browser.cookies['sessionid'].value}".encode()
    socket = Socket(AuthMiddlewareStack(LiveConsumer.as_asgi()), "/ws/live", [(b"cookie", cookie)])
    assert (await socket.connect())[0]
    open_sockets.append(socket)
    assert await socket.receive_nothing(timeout=0.5)
    await sync_to_async(browser.logout)()
    assert await socket.receive_output(timeout=TIMEOUT_S) == {"type": "websocket.close", "code": 4403}


async def test_a_page_that_unsubscribes_hears_no_more_and_wrong_messages_are_answered(
    fleet: Any, as_person: Any
) -> None:
    topic = f"site:{fleet.site.id}"
    viewer = await as_person(fleet.people[Role.VIEWER], topic)
    await subscribed(viewer)
    await sync_to_async(camera_probe_request)(actor=None, camera=fleet.camera, now=NOW)
    changed = await heard(viewer, "changed")
    assert (changed["what"], changed["id"]) == ("camera", str(fleet.camera.id))
    await viewer.send_json_to({"unsubscribe": [topic]})
    for wrong in ("nonsense", "[]", '{"subscribe": 1}', "[" * 16_000):
        await viewer.send_to(wrong)
        await heard(viewer, "error")
    await sync_to_async(camera_probe_request)(actor=None, camera=fleet.camera, now=NOW)
    assert await viewer.receive_nothing(timeout=0.2)


async def test_a_page_watches_a_bounded_number_of_topics(
    fleet: Any, as_person: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.dashboard.consumers.TOPICS_MAX", 2)
    topics = [f"site:{fleet.site.id}", f"box:{fleet.box.id}", f"camera:{fleet.camera.id}"]
    viewer = await as_person(fleet.people[Role.VIEWER], *topics)
    error = await heard(viewer, "error")
    assert (error["topic"], error["message"]) == (topics[2], "A page can watch 2 topics at once.")
