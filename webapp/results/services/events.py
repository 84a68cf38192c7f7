"""Events and their pictures: recorded once each, removed by age and beyond a number per camera."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext

from edge_runtime.protocol.messages import EventReport
from edge_runtime.protocol.target import Privacy
from webapp.common.errors import Conflict, NotFound
from webapp.common.folders import folder_delete, folder_list
from webapp.fleets.models import Box, Camera
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit
from webapp.results.models import Event
from webapp.results.policies import EVENTS_KEPT, EVENTS_PER_CAMERA, check_event, checked_id, event_time, picture_size
from webapp.workloads.models import Query

FOLDER = "events"
PRUNE_BATCH = 1000
UNNAMED_KEPT = timedelta(days=1)


@transaction.atomic
def event_record(*, box: Box, report: EventReport, picture: bytes | None, now: datetime) -> bool:
    """Stores one event of `box`. False when it is stored already. Raises NotFound, InvalidInput and Conflict.

    A picture of a camera whose privacy was set to off meanwhile is left out; the event itself is kept.
    """
    check_event(report, now)
    size = picture_size(picture) if picture else (0, 0)
    event_id = checked_id(report.event)
    query = _query_locked(box, report)
    known = Event.objects.filter(id=event_id).first()
    if known is not None:
        if known.camera_id != query.camera_id:
            raise Conflict(gettext("Another event has this id."))
        return False
    event = Event(
        id=event_id,
        camera=query.camera,
        query=query,
        query_name=query.name,
        kind=report.kind,
        label=report.label,
        at=event_time(report.at, now),
        until=None if report.until is None else event_time(report.until, now),
        score=report.score,
        area=report.box,
        recorded_at=now,
    )
    if picture and query.camera.privacy != Privacy.OFF:
        event.picture_width, event.picture_height = size
        event.picture = default_storage.save(f"{_folder(event.camera_id)}/{event.id}.jpg", ContentFile(picture))
    event.save(force_insert=True)
    _remove(Event.objects.filter(camera=event.camera).order_by("-at", "-id")[EVENTS_PER_CAMERA:])
    _publish(event)
    return True


def events_prune(*, now: datetime) -> int:
    """Removes events older than EVENTS_KEPT, and pictures that no event names any more. Returns how many events."""
    old = Event.objects.filter(at__lt=now - EVENTS_KEPT).order_by("at")
    removed = 0
    while batch := list(old[:PRUNE_BATCH]):
        with transaction.atomic():
            _remove(batch)
        removed += len(batch)
    _pictures_unnamed_delete(now)
    return removed


@transaction.atomic
def event_pictures_forget(*, camera_id: UUID) -> None:
    """Removes all pictures of a camera that is gone, or of which people decided that no picture may be kept."""
    Event.objects.filter(camera_id=camera_id).update(picture="")
    transaction.on_commit(lambda: folder_delete(_folder(camera_id)))


def _query_locked(box: Box, report: EventReport) -> Query:
    """The query with its camera, whose row is locked: its privacy and its number of events stay until the commit."""
    ids = {"id": checked_id(report.query), "camera_id": checked_id(report.camera)}
    queries = Query.objects.filter(**ids, camera__box=box).select_related("camera")
    query = queries.select_for_update(of=("camera",)).first()
    if query is None:
        raise NotFound(gettext("This box has no such query on such a camera."))
    return query


def _remove(events: Iterable[Event]) -> None:
    removed = list(events)
    Event.objects.filter(id__in=[event.id for event in removed]).delete()
    pictures = [event.picture for event in removed if event.picture]
    for picture in pictures:
        transaction.on_commit(partial(default_storage.delete, picture))


def _pictures_unnamed_delete(now: datetime) -> None:
    """What a crash between the file and the commit, or a deleted camera, left behind."""
    folders, _ = folder_list(FOLDER)
    cameras = {str(camera_id) for camera_id in Camera.objects.values_list("id", flat=True)}
    for folder in folders:
        if folder not in cameras:
            folder_delete(f"{FOLDER}/{folder}")
            continue
        named = set(Event.objects.filter(camera_id=folder).values_list("picture", flat=True))
        paths = (f"{FOLDER}/{folder}/{name}" for name in folder_list(f"{FOLDER}/{folder}")[1])
        for path in (path for path in paths if path not in named):
            if default_storage.get_modified_time(path) < now - UNNAMED_KEPT:
                default_storage.delete(path)


def _publish(event: Event) -> None:
    fields = {"id": str(event.id), "query": str(event.query_id), "label": event.label, "at": event.at.timestamp()}
    live_publish_on_commit(Topic(TopicKind.CAMERA, event.camera_id), "event", event=fields)


def _folder(camera_id: UUID) -> str:
    return f"{FOLDER}/{camera_id}"
