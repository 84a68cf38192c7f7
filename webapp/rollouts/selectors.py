"""Reading bundles, the target state of a box, and how a box is doing."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import Count, Max, OuterRef, Prefetch, QuerySet, Subquery
from django.utils.translation import gettext

from edge_runtime.protocol.manifest import Manifest, SignedManifest, decode_manifest
from edge_runtime.protocol.signing import KeyRotation
from edge_runtime.protocol.target import (
    BundleTarget,
    CameraTarget,
    FrameRequest,
    Privacy,
    QueryTarget,
    TargetState,
)
from webapp.common.errors import NotFound
from webapp.fleets.models import Box, Camera
from webapp.fleets.selectors import seen_by
from webapp.merges.models import MergedGroup
from webapp.rollouts.models import BoxReport, Bundle, Rollout, RolloutBox, SigningKeyRotation
from webapp.rollouts.status import OFFLINE_AFTER, BoxStatus, Facts, status_of
from webapp.rollouts.waves import Tally
from webapp.telemetry.losses import FramesLost, frames_lost
from webapp.workloads.models import Query
from webapp.workloads.selectors import datasets_collecting, workload

_FIRST_VERSIONS = f"""
SELECT (
    SELECT MIN(version) FROM {Bundle._meta.db_table} AS bundle
    WHERE bundle.box_id = starts.box AND bundle.created_at >= starts.at
)
FROM unnest(%s::uuid[], %s::timestamptz[]) WITH ORDINALITY AS starts(box, at, number) ORDER BY starts.number
"""
SERVED_VERSIONS = 5  # a box may still be downloading an older bundle while newer ones are published


def current_bundle(box: Box) -> Bundle | None:
    """The bundle that the box should run: the newest that nobody has cancelled."""
    return Bundle.objects.filter(box=box, cancelled_at=None).order_by("-version").first()


def current_bundles(boxes: list[Box]) -> dict[Any, Bundle]:
    """current_bundle of many boxes by box id, without the manifests. Looked up by box: each has had many bundles."""
    newest = Bundle.objects.filter(box=OuterRef("pk"), cancelled_at=None).order_by("-version").values("id")[:1]
    ids = Box.objects.filter(pk__in=[box.pk for box in boxes]).values_list(Subquery(newest), flat=True)
    return {bundle.box_id: bundle for bundle in Bundle.objects.filter(id__in=ids).defer("manifest")}


def newest_version(box: Box) -> int:
    """Of all bundles ever published for the box, 0 before the first."""
    return Bundle.objects.filter(box=box).aggregate(newest=Max("version"))["newest"] or 0


def first_versions(starts: Sequence[tuple[UUID, datetime]]) -> list[int | None]:
    """Per box and time: the first bundle that was published for the box from then on. One SQL statement for all."""
    if not starts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_VERSIONS, [[box for box, _ in starts], [at for _, at in starts]])
        return [version for (version,) in cursor.fetchall()]


def reported_version(box: Box) -> int:
    """Of the bundle that the box says it runs, 0 for none. Above `newest_version` where the server was restored."""
    return BoxReport.objects.filter(box=box).values_list("bundle_version", flat=True).first() or 0


def bundle_list(actor: Any | None, box: Box | None = None) -> QuerySet[Bundle]:
    """Newest first, with box and site, without the manifests."""
    bundles = seen_by(actor, Bundle.objects.all(), "box__site")
    bundles = bundles if box is None else bundles.filter(box=box)
    return bundles.select_related("box__site").defer("manifest").order_by("-created_at")


def rollout_list(actor: Any | None) -> QuerySet[Rollout]:
    """Newest first, with their merged group and the box it was found on."""
    rollouts = seen_by(actor, Rollout.objects.all(), "group__run__box__site")
    return rollouts.select_related("group__run__box__site", "requested_by").defer("group__run__result")


def group_rollouts(actor: Any | None, group: MergedGroup) -> QuerySet[Rollout]:
    """Of the merged group, newest first, with how many boxes they have (`box_count`)."""
    return rollout_list(actor).filter(group=group).annotate(box_count=Count("boxes"))


def rollouts_whole(actor: Any | None) -> QuerySet[Rollout]:
    """Newest first, with their boxes: of which there may be thousands."""
    return rollout_list(actor).prefetch_related("boxes")


def rollout_get(actor: Any | None, rollout_id: UUID) -> Rollout:
    """With the bundles that its boxes were told to run. Raises NotFound."""
    boxes = RolloutBox.objects.select_related("box", "bundle").defer("bundle__manifest")
    rollout = rollout_list(actor).prefetch_related(Prefetch("boxes", boxes)).filter(id=rollout_id).first()
    if rollout is None:
        raise NotFound(gettext("There is no such rollout."))
    return rollout


def box_rollouts(actor: Any | None, box: Box) -> QuerySet[RolloutBox]:
    """The box's own part of the rollouts that it is or was in, the newest first."""
    rows = RolloutBox.objects.filter(box=box, rollout__in=rollout_list(actor).values("id"))
    return (
        rows.select_related("rollout__group__run__box")
        .defer("rollout__group__run__result")
        .order_by("-rollout__created_at")
    )


def rollout_tallies(rollouts: Iterable[UUID]) -> dict[UUID, list[Tally]]:
    """Of each rollout (ids), added up by the database: a page may show many rollouts of many boxes."""
    found: dict[UUID, list[Tally]] = {rollout_id: [] for rollout_id in rollouts}
    rows = RolloutBox.objects.filter(rollout__in=list(found)).order_by()
    for rollout_id, *tally in rows.values_list("rollout", "wave", "state", "is_accepted").annotate(Count("pk")):
        found[rollout_id].append(Tally(*tally))
    return found


def manifest_of(bundle: Bundle) -> Manifest:
    return decode_manifest(bundle.manifest.encode())


def signed_manifest(box: Box, digest: str) -> SignedManifest:
    """Raises NotFound for a manifest of no bundle of this box."""
    bundle = Bundle.objects.filter(box=box, manifest_digest=digest).first()
    if bundle is None:
        raise NotFound(gettext("This box has no bundle with such a manifest."))
    return SignedManifest(manifest=bundle.manifest, signature=bundle.signature)


def signing_key_rotations() -> tuple[KeyRotation, ...]:
    """Oldest first."""
    return tuple(
        KeyRotation(step.old_public_key, step.new_public_key, step.signature)
        for step in SigningKeyRotation.objects.all()
    )


def names_blob(box: Box, digest: str) -> bool:
    """Whether one of the box's newest bundles names the blob. `digest` holds hexadecimal digits only."""
    newest = Bundle.objects.filter(box=box).order_by("-version").values("id")[:SERVED_VERSIONS]
    return Bundle.objects.filter(id__in=newest, manifest__contains=f'"{digest}"').exists()


def target_state(box: Box) -> TargetState:
    """Everything wanted of the box. Queries appear once the current bundle holds their slot, never before."""
    bundle = current_bundle(box)
    slots = {entry.slot for entry in manifest_of(bundle).models} if bundle else set()
    cameras = list(Camera.objects.filter(box=box).order_by("created_at", "id"))
    return TargetState(
        box=str(box.id),
        bundle=None if bundle is None else BundleTarget(bundle.manifest_digest, bundle.version, bundle.attempt),
        cameras=tuple(_camera(camera) for camera in cameras),
        queries=tuple(_query(query) for query in workload(box) if str(query.id) in slots),
        frame_requests=tuple(
            FrameRequest(str(dataset.id), str(dataset.camera_id), dataset.frames_wanted, dataset.span_s)
            for dataset in datasets_collecting(box)
        ),
        probes={
            str(camera.id): camera.probe_request for camera in cameras if camera.probe_answered < camera.probe_request
        },
        poll_s=settings.POLL_S,
        health_window_s=settings.HEALTH_WINDOW_S,
    )


def box_status(box: Box, now: datetime) -> BoxStatus:
    """Connection and state of the box on two axes, with one sentence."""
    return box_statuses([box], now)[box.id]


def box_statuses(boxes: Iterable[Box], now: datetime) -> dict[UUID, BoxStatus]:
    """box_status of many boxes by box id, in two statements and without rows of the ORM."""
    ids = [box.pk for box in boxes]
    return _statuses(f"{_FACTS} WHERE box.id = ANY(%s)", [ids], frames_lost(now, ids), now) if ids else {}


def statuses_of_note(boxes: QuerySet[Box], now: datetime, shown: Collection[UUID] = ()) -> dict[UUID, BoxStatus]:
    """box_statuses of those that something is wrong with, which have a sentence, and of `shown`. The database finds
    them: of a whole fleet most are well."""
    lost = frames_lost(now)
    seen, parameters = boxes.order_by().values("pk").query.sql_with_params()
    noted = [now - OFFLINE_AFTER, [*lost, *shown]]
    statement = f"{_FACTS} WHERE box.id IN ({seen}) AND (({_IS_WELL}) IS NOT TRUE OR box.id = ANY(%s::uuid[]))"
    return _statuses(statement, [*parameters, *noted], lost, now)


# In SQL as it stands: nearly every page asks this, and to have Django write it down took longer than to answer it.
_FACTS = f"""
SELECT box.id, box.credential_hash <> '', box.is_connected, box.last_seen_at, coalesce(report.state, ''),
    coalesce(report.sentence, ''), coalesce(report.manifest_digest, ''), coalesce(report.bundle_version, 0),
    coalesce(newest.manifest_digest, ''), coalesce(newest.version, 0), coalesce(report.refused_digest, ''),
    box.refusal, report.camera_reasons
FROM {Box._meta.db_table} AS box LEFT JOIN {BoxReport._meta.db_table} AS report ON report.box_id = box.id
LEFT JOIN LATERAL (
    SELECT manifest_digest, version FROM {Bundle._meta.db_table}
    WHERE box_id = box.id AND cancelled_at IS NULL ORDER BY version DESC LIMIT 1
) AS newest ON TRUE
"""
_IS_WELL = """
box.last_seen_at >= %s AND box.credential_hash <> '' AND report.state <> '' AND report.sentence = ''
    AND report.manifest_digest = coalesce(newest.manifest_digest, '')
"""


def _statuses(
    statement: str, parameters: Sequence[Any], lost: Mapping[UUID, FramesLost], now: datetime
) -> dict[UUID, BoxStatus]:
    """`statement` begins with _FACTS, whose columns are the fields of Facts in their order."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
    found = {}
    for box_id, *facts, camera_reasons in rows:
        words = lost[box_id].sentence if box_id in lost else ""
        reasons = None if camera_reasons is None else json.loads(camera_reasons)
        found[box_id] = status_of(Facts(*facts, lost=words, camera_reasons=reasons), now)
    return found


def _camera(camera: Camera) -> CameraTarget:
    return CameraTarget(str(camera.id), camera.name, camera.source, Privacy(camera.privacy))


def _query(query: Query) -> QueryTarget:
    return QueryTarget(
        query=str(query.id),
        name=query.name,
        slot=str(query.id),
        camera=str(query.camera_id),
        objects=tuple(query.objects_wanted),
        rate_fps=query.rate_fps,
        deadline_ms=query.deadline_ms,
        accuracy_target=query.accuracy_target,
        priority=query.priority,
        zone=tuple((x, y) for x, y in query.zone),
        sample_every_s=float(query.camera.sample_every_s),
    )
