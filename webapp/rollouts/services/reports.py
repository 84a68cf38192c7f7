"""The reported state: what a box says it runs. It is recorded as said, never assumed."""

from datetime import datetime

import msgspec
from django.db import transaction

from edge_runtime.protocol.messages import Report
from webapp.fleets.models import Box
from webapp.fleets.services import box_seen
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit, site_changed
from webapp.rollouts.models import BoxReport

_BYTES_MAX = 2**62


@transaction.atomic
def report_record(*, box: Box, report: Report, now: datetime) -> None:
    """Replaces the box's last report."""
    values = {
        "state": report.state[:20],
        "sentence": report.sentence[:1000],
        "manifest_digest": report.manifest_digest[:64],
        "bundle_version": min(max(report.bundle_version, 0), 2**31 - 1),
        "bytes_downloaded": min(max(report.bytes_downloaded, 0), _BYTES_MAX),
        "reported_at": now,
    }
    BoxReport.objects.update_or_create(box=box, defaults=values)
    box_seen(box_id=box.id, now=now)
    live_publish_on_commit(Topic(TopicKind.BOX, box.id), "report", report=msgspec.to_builtins(report))
    site_changed(box.site_id, "box", box.id)
