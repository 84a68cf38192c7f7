"""Publishing bundles: composed from the box's queries, signed, under a version that only grows."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import (
    Manifest,
    ModelEntry,
    distinct_bytes,
    distinct_tensors,
    encode_manifest,
    sha256_hex,
)
from edge_runtime.protocol.signing import sign
from webapp.audit.services import audit_record
from webapp.common.blobs import blobs_missing
from webapp.common.errors import Conflict, NotFound
from webapp.common.signing_key import signing_key
from webapp.fleets.models import Box, Role
from webapp.fleets.policies import require_role
from webapp.fleets.services import box_target_changed
from webapp.merges.running import approved_members
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit, site_changed
from webapp.rollouts.composing import model_entries, publish_reason
from webapp.rollouts.models import BoxReport, Bundle
from webapp.rollouts.selectors import current_bundle, manifest_of, newest_version, reported_version
from webapp.workloads.selectors import workload


class BlobsMissing(GemelError):
    """Publishing a bundle that no box could download would stop the box from following any later change."""

    code = "blobs_missing"


@transaction.atomic
def bundle_publish(*, box: Box, reason: str = "", now: datetime) -> Bundle | None:
    """The box's next bundle. Changes nothing, and returns the current one, when that holds the same models already.

    After a restore a box may run a newer bundle than the server knows, and takes none that is older: the next one is
    newer than that.

    None for a box that never had a query. `reason` is worked out from what changed when it is empty.
    """
    box = Box.objects.select_for_update().get(id=box.id)
    current = current_bundle(box)
    previous = None if current is None else manifest_of(current)
    models = model_entries(workload(box), approved_members(box))
    if models == (previous.models if previous else ()) and newest_version(box) >= reported_version(box):
        return current
    _check_blobs(models)
    bundle = _create(box, models, reason or publish_reason(previous, models), now)
    detail = {"version": bundle.version, "box": box.name, "reason": bundle.reason}
    audit_record(actor=None, action="bundle.publish", subject=bundle, site_id=box.site_id, now=now, detail=detail)
    box_target_changed(box_id=box.id)
    live_publish_on_commit(Topic(TopicKind.BOX, box.id), "changed", what="bundle", id=str(bundle.id))
    site_changed(box.site_id, "bundle", bundle.id)
    return bundle


def _create(box: Box, models: tuple[ModelEntry, ...], reason: str, now: datetime) -> Bundle:
    version = max(newest_version(box), reported_version(box)) + 1
    manifest = Manifest(box=str(box.id), version=version, models=models, created_at=now.isoformat())
    content = encode_manifest(manifest)
    return Bundle.objects.create(
        box=box,
        version=version,
        manifest=content.decode(),
        manifest_digest=sha256_hex(content),
        signature=sign(content, signing_key()),
        reason=reason[:200],
        size_bytes=distinct_bytes(*(entry.tensors for entry in models)),
        is_merged=any(entry.merged_group for entry in models),
        created_at=now,
    )


@transaction.atomic
def bundle_retry(*, actor: Any | None, box: Box, now: datetime) -> Bundle:
    """Has the box try its newest bundle again, although it has given it up. Raises NotFound, NotAllowed."""
    bundle = _wanted(actor, box)
    bundle.attempt += 1
    bundle.save(update_fields=["attempt"])
    _changed(actor, box, bundle, "bundle.retry", now)
    return bundle


@transaction.atomic
def bundle_cancel(*, actor: Any | None, box: Box, now: datetime) -> Bundle:
    """No longer wants a bundle that the box does not run yet; the one before is wanted again.

    The next change of the box's queries or merges publishes the models as they are then. Raises NotFound, NotAllowed,
    Conflict.
    """
    bundle = _wanted(actor, box)
    if BoxReport.objects.filter(box=box, manifest_digest=bundle.manifest_digest).exists():
        raise Conflict(
            gettext("%(box)s runs bundle %(version)s already, so it was not cancelled. Change its queries or merges.")
            % {"box": box, "version": bundle.version}
        )
    bundle.cancelled_at = now
    bundle.save(update_fields=["cancelled_at"])
    _changed(actor, box, bundle, "bundle.cancel", now)
    return bundle


@transaction.atomic
def bundle_withdraw(*, box: Box, bundle: Bundle | None, now: datetime) -> Bundle | None:
    """Publishes what `box` should run now that the reason for `bundle` is gone. Returns what is wanted then.

    A bundle that the box does not run is cancelled instead, so that the box has nothing to do.
    """
    box = Box.objects.select_for_update().get(id=box.id)
    report = BoxReport.objects.filter(box=box).first()
    if (
        bundle is not None
        and bundle == current_bundle(box)
        and report
        and report.manifest_digest != bundle.manifest_digest
    ):
        bundle.cancelled_at = now
        bundle.save(update_fields=["cancelled_at"])
        _changed(None, box, bundle, "bundle.cancel", now)
    return bundle_publish(box=box, now=now)


def _wanted(actor: Any | None, box: Box) -> Bundle:
    require_role(actor, box.site, Role.OPERATOR)
    Box.objects.select_for_update().get(id=box.id)
    bundle = current_bundle(box)
    if bundle is None:
        raise NotFound(gettext("No bundle was published for %(box)s yet.") % {"box": box})
    return bundle


def _changed(actor: Any | None, box: Box, bundle: Bundle, action: str, now: datetime) -> None:
    detail = {"version": bundle.version, "box": box.name}
    audit_record(actor=actor, action=action, subject=bundle, site_id=box.site_id, now=now, detail=detail)
    box_target_changed(box_id=box.id)
    site_changed(box.site_id, "bundle", bundle.id)


def _check_blobs(models: tuple[ModelEntry, ...]) -> None:
    maps = [tensors for entry in models for tensors in (entry.tensors, entry.original_tensors or {})]
    missing = blobs_missing(distinct_tensors(*maps))
    if missing:
        raise BlobsMissing(
            f"{len(missing)} files of the models are missing in the artifact store, so the box keeps its bundle: "
            "restore the store from a backup or register the models again."
        )
