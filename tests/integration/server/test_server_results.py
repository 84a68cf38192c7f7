"""What queries found, in a real database: counts that add up whatever arrives twice or late, events with pictures."""

import io
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from edge_runtime.protocol.messages import EventReport, MemorySample, QuerySample, Stats
from webapp.common.errors import Conflict, InvalidInput, NotFound
from webapp.fleets.models import Box
from webapp.fleets.services import camera_create, camera_delete, camera_update
from webapp.jobs.models import Job
from webapp.results import services
from webapp.results.models import Event, MinuteCount
from webapp.results.selectors import Scope, bucket_counts
from webapp.results.services import events as event_services
from webapp.telemetry.models import BoxSample
from webapp.telemetry.policies import StatsUnusable
from webapp.telemetry.services import samples_prune, stats_record
from webapp.workloads.services import query_delete
from workers.tasks.results import forget_pictures

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MEMORY = MemorySample(budget=100, private=40, shared=20, activations=10, overhead=5, free=25, rss=500)


@pytest.fixture
def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 36)).save(written, "JPEG")
    return written.getvalue()


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Callable[[], Any]:
    """Inside it, what waits for a commit is done at the end."""

    @contextmanager
    def run() -> Iterator[None]:
        with django_capture_on_commit_callbacks(execute=True):
            yield

    return run


def message(seq: int, query: Any, frames: int, cars: int, mean: float, boot: str = "boot") -> Stats:
    counted = QuerySample(
        str(query), frames, frames, 0, 0, 9.0, 9.0, 0, 0.0, None, 0, {"car": mean}, {"car": cars} if cars else {}
    )
    return Stats(boot, seq, (NOW + timedelta(seconds=seq)).timestamp(), 1.0, 1, MEMORY, (counted,))


def report(fleet: Any, query: Any, **changes: Any) -> EventReport:
    values = {
        "event": str(uuid.uuid4()),
        "query": str(query.id),
        "camera": str(fleet.camera.id),
        "kind": "appeared",
        "label": "car",
        "at": NOW.timestamp(),
        "until": NOW.timestamp() + 4,
        "score": 0.9,
        "box": (0.1, 0.2, 0.3, 0.4),
    }
    return EventReport(**values | changes)


def record(box: Box, told: EventReport, picture: bytes | None = None, now: datetime = NOW) -> bool:
    return services.event_record(box=box, report=told, picture=picture, now=now)


def test_counts_add_up_when_messages_of_a_day_come_late_twice_and_in_any_order(fleet: Any) -> None:
    query = fleet.query()
    chance = random.Random(7)
    told = [
        message(seq, query.id, chance.randint(0, 5), chance.randint(0, 2), chance.random()) for seq in range(0, 150, 5)
    ]
    arrived = told + chance.choices(told, k=15)
    chance.shuffle(arrived)
    for stats in arrived:
        stats_record(box=fleet.box, stats=stats, now=NOW + timedelta(days=1))

    rows = list(MinuteCount.objects.order_by("minute"))
    assert [row.minute for row in rows] == [NOW + timedelta(minutes=minute) for minute in range(-1, 3)]
    for row in rows:
        # A sample belongs to the minute in which the middle of its second lies.
        middles = {stats.seq: NOW + timedelta(seconds=stats.seq - 0.5) for stats in told}
        own = [
            stats.queries[0] for stats in told if row.minute <= middles[stats.seq] < row.minute + timedelta(minutes=1)
        ]
        assert row.frames == sum(sample.processed for sample in own)
        assert row.appeared.get("car", 0) == sum(sample.appeared.get("car", 0) for sample in own)
        assert row.present["car"] == pytest.approx(sum(s.processed * s.counts["car"] for s in own), abs=0.05)


def test_counts_outlive_the_samples_and_are_never_counted_again(fleet: Any) -> None:
    query = fleet.query()
    stats = message(1, query.id, 5, 2, 1.0)
    stats_record(box=fleet.box, stats=stats, now=NOW)
    samples_prune(now=NOW + timedelta(days=8))
    assert not BoxSample.objects.exists()

    with pytest.raises(StatsUnusable, match="older than what is kept"):  # it lost its acknowledgement
        stats_record(box=fleet.box, stats=stats, now=NOW + timedelta(days=8))
    assert MinuteCount.objects.get().appeared == {"car": 2}
    assert services.counts_prune(now=NOW + timedelta(days=399)) == 0
    assert services.counts_prune(now=NOW + timedelta(days=401)) == 1


def test_a_minute_without_a_frame_is_not_measured_rather_than_empty(fleet: Any) -> None:
    query = fleet.query()
    stats_record(box=fleet.box, stats=message(1, query.id, 0, 0, 0.0), now=NOW)
    assert not MinuteCount.objects.exists()
    stats_record(box=fleet.box, stats=message(2, query.id, 5, 0, 0.0), now=NOW)
    assert MinuteCount.objects.get().appeared == {}


def test_counts_of_another_box_are_left_out(fleet: Any, make_fleet: Any) -> None:
    foreign = make_fleet("airport").query()
    stats_record(box=fleet.box, stats=message(1, foreign.id, 5, 2, 1.0), now=NOW)
    assert not MinuteCount.objects.exists()


def test_an_event_sent_again_is_stored_once_with_its_picture(fleet: Any, picture: bytes) -> None:
    told = report(fleet, fleet.query())
    assert record(fleet.box, told, picture)
    assert not record(fleet.box, told, picture)
    event = Event.objects.get()
    assert (event.label, event.query_name, event.area) == ("car", "count cars", [0.1, 0.2, 0.3, 0.4])
    assert (event.at, event.until) == (NOW, NOW + timedelta(seconds=4))
    assert (event.picture_width, event.picture_height) == (64, 36)
    assert default_storage.open(event.picture).read() == picture


def test_an_event_of_another_box_or_camera_is_refused(fleet: Any, make_fleet: Any, picture: bytes) -> None:
    other, query = make_fleet("airport"), fleet.query()
    second = camera_create(actor=None, box=fleet.box, name="yard", source="scene://yard", now=NOW)
    told = report(fleet, query)
    for box, wrong in (
        (other.box, told),
        (fleet.box, msgspec.structs.replace(told, camera=str(second.id))),
        (fleet.box, msgspec.structs.replace(told, query=str(other.query().id))),
    ):
        with pytest.raises(NotFound):
            record(box, wrong, picture)
    with pytest.raises(InvalidInput):
        record(fleet.box, msgspec.structs.replace(told, query="nonsense"), picture)
    assert record(fleet.box, told)
    theirs = report(other, other.query("theirs"), event=told.event)
    with pytest.raises(Conflict):
        record(other.box, theirs)
    assert Event.objects.get().camera == fleet.camera


def test_a_picture_that_is_no_jpeg_is_refused_and_nothing_is_stored(fleet: Any) -> None:
    with pytest.raises(InvalidInput, match="no JPEG"):
        record(fleet.box, report(fleet, fleet.query()), b"\xff\xd8 <script>")
    assert not Event.objects.exists()
    assert not default_storage.exists("events")


def test_a_camera_whose_pictures_stay_on_the_box_keeps_its_events(fleet: Any, picture: bytes, committed: Any) -> None:
    query = fleet.query()
    before = report(fleet, query)
    record(fleet.box, before, picture)
    path = Event.objects.get().picture
    camera_update(actor=None, camera=fleet.camera, privacy="off", now=NOW)
    record(fleet.box, report(fleet, query), picture)  # sent before the box heard of it
    assert Event.objects.filter(picture="").count() == 1

    with committed():
        forget_pictures(str(Job.objects.get(task="results.forget_pictures").id))
    assert Event.objects.filter(picture="").count() == 2
    assert not default_storage.exists(path)


def test_the_oldest_events_of_a_camera_make_room(
    fleet: Any, picture: bytes, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_services, "EVENTS_PER_CAMERA", 3)
    query = fleet.query()
    with committed():
        for seconds in (3, 0, 2, 1, 4):
            record(fleet.box, report(fleet, query, at=NOW.timestamp() + seconds), picture)
    assert [(event.at - NOW).seconds for event in Event.objects.all()] == [4, 3, 2]
    files = default_storage.listdir(f"events/{fleet.camera.id}")[1]
    assert {f"events/{fleet.camera.id}/{name}" for name in files} == {event.picture for event in Event.objects.all()}


def test_old_events_go_with_their_pictures_and_so_does_what_nothing_names(
    fleet: Any, picture: bytes, committed: Any
) -> None:
    query = fleet.query()
    now = timezone.now()
    for days in (1, 13):
        told = report(fleet, query, at=(now - timedelta(days=days)).timestamp(), until=None)
        record(fleet.box, told, picture, now)
    for left in (f"events/{fleet.camera.id}/left.jpg", f"events/{uuid.uuid4()}/left.jpg"):
        default_storage.save(left, ContentFile(picture))
    with committed():
        assert services.events_prune(now=now + timedelta(days=2)) == 1
    event = Event.objects.get()
    assert default_storage.listdir("events") == ([str(fleet.camera.id)], [])
    assert default_storage.listdir(f"events/{fleet.camera.id}") == ([], [event.picture.split("/")[-1]])


def test_events_outlive_their_query_and_go_with_their_camera(fleet: Any, picture: bytes, committed: Any) -> None:
    query = fleet.query("count cars")
    record(fleet.box, report(fleet, query), picture)
    query_delete(actor=None, query=query, now=NOW)
    assert (Event.objects.get().query, Event.objects.get().query_name) == (None, "count cars")

    camera_id = fleet.camera.id
    camera_delete(actor=None, camera=fleet.camera, now=NOW)
    with committed():
        forget_pictures(str(Job.objects.get(task="results.forget_pictures", subject=camera_id).id))
    assert not Event.objects.exists()
    assert not default_storage.exists(f"events/{camera_id}")


def test_the_api_takes_events_of_the_box_and_tells_watchers(
    fleet: Any, picture: bytes, committed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr("webapp.realtime.publish.publish", lambda *message: told.append(message))
    query = fleet.query()
    client = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {fleet.credential}"})

    def post(event: EventReport, content: bytes | None = picture, **options: Any) -> Any:
        parts = {"event": msgspec.json.encode(event).decode()}
        if content is not None:
            parts["picture"] = SimpleUploadedFile("picture.jpg", content, "image/jpeg")
        return client.post("/api/box/events", parts, **options)

    now = timezone.now().timestamp()
    first = report(fleet, query, at=now, until=None)
    with committed():
        assert [post(first).status_code, post(first).status_code] == [204, 204]
    assert post(report(fleet, query, at=now, until=None), None).status_code == 204
    assert [event["id"] for _, _, sent in told if (event := sent["message"].get("event"))] == [first.event]

    refusals = [post(report(fleet, query, at=now), b"GIF89a"), post(report(fleet, query, at=now), bytes(2**22 + 1))]
    refusals.append(client.post("/api/box/events", {"event": "nonsense"}))
    assert [(answer.status_code, answer.json()["code"]) for answer in refusals] == [(400, "invalid_input")] * 3
    assert post(first, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert Event.objects.count() == 2


def test_counts_per_bucket_are_the_sums_of_their_minutes(fleet: Any) -> None:
    first, second = fleet.query("cars"), fleet.query("trucks")
    since, hour = NOW - timedelta(days=1, minutes=30), timedelta(hours=1)
    for query, minutes in ((first, (0, 59, 60, 600)), (second, (61,))):
        for n in minutes:
            MinuteCount.objects.create(
                camera=fleet.camera,
                query_id=query.id,
                minute=since + timedelta(minutes=n),
                frames=10 + n,
                appeared={"car": n} if n else {},
                present={"car": 0.5 * n, "bus": 1.0},
            )
    found = {
        (row.query_id, row.minute): row
        for row in bucket_counts(None, Scope(camera=fleet.camera), since, since + timedelta(days=1), hour)
    }
    assert set(found) == {(first.id, since), (first.id, since + hour), (first.id, since + 10 * hour)} | {
        (second.id, since + hour)
    }
    row = found[first.id, since]
    assert (row.frames, row.appeared, row.present) == (79, {"car": 59}, {"car": 29.5, "bus": 2.0})
    assert found[second.id, since + hour].appeared == {"car": 61}
    assert bucket_counts(fleet.people["viewer"], Scope(query=second), since, since + hour, hour) == []
