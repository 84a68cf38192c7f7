"""The reported state: what a box says it runs. It is recorded as said, never assumed."""

from datetime import datetime
from itertools import islice

import msgspec
from django.db import transaction

from edge_runtime.protocol.messages import Report
from webapp.fleets.models import Box
from webapp.fleets.services import box_seen
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit, site_changed
from webapp.rollouts.models import BoxReport, Bundle
from webapp.rollouts.selectors import current_bundle, newest_version
from webapp.rollouts.services.advancing import rollouts_notice
from webapp.workloads.services import publish_enqueue

_BYTES_MAX = 2**62
_CAMERAS_MAX = 20  # a box tells a few reasons and counts the others
_VERSION_MAX = 2**30  # with room for every bundle that may follow


@transaction.atomic
def report_record(*, box: Box, report: Report, now: datetime) -> None:
    """Replaces the box's last report."""
    bytes_downloaded = min(max(report.bytes_downloaded, 0), _BYTES_MAX)
    digest = _text(report.manifest_digest, 64)
    values = {
        "state": _text(report.state, 20),
        "sentence": _text(report.sentence, 1000),
        "manifest_digest": digest,
        "bundle_version": min(max(report.bundle_version, 0), _VERSION_MAX),
        "bytes_downloaded": bytes_downloaded,
        "is_confirmed": report.is_confirmed,
        "refused_digest": _text(report.refused_digest, 64),
        "camera_reasons": {
            _text(camera, 64): _text(words, 1000)
            for camera, words in islice(report.camera_reasons.items(), _CAMERAS_MAX)
        },
        "reported_at": now,
    }
    BoxReport.objects.update_or_create(box=box, defaults=values)
    _note_running(box, digest, bytes_downloaded, now)
    rollouts_notice(box=box, now=now)
    if report.bundle_version > newest_version(box) and current_bundle(box) is not None:
        publish_enqueue(box_id=box.id, now=now)  # this server was restored: the box takes nothing older
    box_seen(box_id=box.id, now=now)
    live_publish_on_commit(Topic(TopicKind.BOX, box.id), "report", report=msgspec.to_builtins(report))
    site_changed(box.site_id, "box", box.id)


def _text(said: str, length: int) -> str:
    """Without what PostgreSQL cannot hold."""
    return said.replace("\0", "")[:length]


def _note_running(box: Box, digest: str, bytes_downloaded: int, now: datetime) -> None:
    """What a bundle took to get there, once. One that runs is wanted: the box was faster than who cancelled it.

    Where what it was made of has gone since, the next bundle says so.
    """
    running = Bundle.objects.filter(box=box, manifest_digest=digest)
    running.filter(bytes_sent=None).update(bytes_sent=bytes_downloaded)
    if running.exclude(cancelled_at=None).update(cancelled_at=None):
        publish_enqueue(box_id=box.id, now=now)
