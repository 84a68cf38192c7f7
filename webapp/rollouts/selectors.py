"""Reading bundles, the target state of a box, and how a box is doing."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Max, Prefetch, QuerySet

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
from webapp.fleets.selectors import sites_of
from webapp.rollouts.models import BoxReport, Bundle, Rollout, RolloutBox, SigningKeyRotation
from webapp.rollouts.status import BoxStatus, Facts, status_of
from webapp.workloads.models import Query
from webapp.workloads.selectors import datasets_collecting, workload

SERVED_VERSIONS = 5  # a box may still be downloading an older bundle while newer ones are published


def current_bundle(box: Box) -> Bundle | None:
    """The bundle that the box should run: the newest that nobody has cancelled."""
    return Bundle.objects.filter(box=box, cancelled_at=None).order_by("-version").first()


def current_bundles(boxes: list[Box]) -> dict[Any, Bundle]:
    """current_bundle of many boxes by box id, without the manifests."""
    wanted = Bundle.objects.filter(box__in=boxes, cancelled_at=None).defer("manifest")
    return {bundle.box_id: bundle for bundle in wanted.order_by("box_id", "-version").distinct("box_id")}


def newest_version(box: Box) -> int:
    """Of all bundles ever published for the box, 0 before the first."""
    return Bundle.objects.filter(box=box).aggregate(newest=Max("version"))["newest"] or 0


def reported_version(box: Box) -> int:
    """Of the bundle that the box says it runs, 0 for none. Above `newest_version` where the server was restored."""
    return BoxReport.objects.filter(box=box).values_list("bundle_version", flat=True).first() or 0


def bundle_list(actor: Any | None, box: Box | None = None) -> QuerySet[Bundle]:
    """Newest first, with box and site, without the manifests."""
    bundles = Bundle.objects.filter(box__site__in=sites_of(actor))
    bundles = bundles if box is None else bundles.filter(box=box)
    return bundles.select_related("box__site").defer("manifest").order_by("-created_at")


def rollout_list(actor: Any | None) -> QuerySet[Rollout]:
    """Newest first, with their merged group, the box it was found on, and their boxes."""
    return _rollouts(actor, RolloutBox.objects.select_related("box"))


def rollout_get(actor: Any | None, rollout_id: UUID) -> Rollout:
    """With the bundles that its boxes were told to run. Raises NotFound."""
    boxes = RolloutBox.objects.select_related("box", "bundle").defer("bundle__manifest")
    rollout = _rollouts(actor, boxes).filter(id=rollout_id).first()
    if rollout is None:
        raise NotFound("There is no such rollout.")
    return rollout


def box_rollouts(actor: Any | None, box: Box) -> QuerySet[Rollout]:
    """Rollouts that the box is or was in, the newest first."""
    return rollout_list(actor).filter(boxes__box=box)


def _rollouts(actor: Any | None, boxes: QuerySet[RolloutBox]) -> QuerySet[Rollout]:
    rollouts = Rollout.objects.filter(group__run__box__site__in=sites_of(actor))
    rollouts = rollouts.select_related("group__run__box__site", "requested_by").defer("group__run__result")
    return rollouts.prefetch_related(Prefetch("boxes", boxes))


def manifest_of(bundle: Bundle) -> Manifest:
    return decode_manifest(bundle.manifest.encode())


def signed_manifest(box: Box, digest: str) -> SignedManifest:
    """Raises NotFound for a manifest of no bundle of this box."""
    bundle = Bundle.objects.filter(box=box, manifest_digest=digest).first()
    if bundle is None:
        raise NotFound("This box has no bundle with such a manifest.")
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
        health_window_s=settings.HEALTH_WINDOW_S,
    )


def box_status(box: Box, now: datetime) -> BoxStatus:
    """Connection and state of the box on two axes, with one sentence."""
    report = BoxReport.objects.filter(box=box).first()
    bundle = Bundle.objects.filter(box=box, cancelled_at=None).defer("manifest").order_by("-version").first()
    return status_of(_facts(box, report, bundle), now)


def box_statuses(boxes: list[Box], now: datetime) -> dict[Any, BoxStatus]:
    """box_status of many boxes by box id, in two queries."""
    reports = {report.box_id: report for report in BoxReport.objects.filter(box__in=boxes)}
    bundles = current_bundles(boxes)
    return {box.id: status_of(_facts(box, reports.get(box.id), bundles.get(box.id)), now) for box in boxes}


def _facts(box: Box, report: BoxReport | None, bundle: Bundle | None) -> Facts:
    return Facts(
        is_enrolled=bool(box.credential_hash),
        is_connected=box.is_connected,
        last_seen_at=box.last_seen_at,
        state=report.state if report else "",
        sentence=report.sentence if report else "",
        runs=report.manifest_digest if report else "",
        runs_version=report.bundle_version if report else 0,
        wanted=bundle.manifest_digest if bundle else "",
        wanted_version=bundle.version if bundle else 0,
        refused=report.refused_digest if report else "",
        refusal=box.refusal,
    )


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
    )
