"""Publishing bundles: composed from the box's queries, signed, under a version that only grows."""

from datetime import datetime

from django.db import transaction

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
from webapp.common.signing_key import signing_key
from webapp.fleets.models import Box
from webapp.fleets.services import box_target_changed
from webapp.merges.selectors import approved_members
from webapp.realtime.topics import Topic, TopicKind, live_publish_on_commit, site_changed
from webapp.rollouts.composing import model_entries, publish_reason
from webapp.rollouts.models import Bundle
from webapp.rollouts.selectors import current_bundle, manifest_of
from webapp.workloads.selectors import workload


class BlobsMissing(GemelError):
    """Publishing a bundle that no box could download would stop the box from following any later change."""

    code = "blobs_missing"


@transaction.atomic
def bundle_publish(*, box: Box, reason: str = "", now: datetime) -> Bundle | None:
    """The box's next bundle. Changes nothing, and returns the current one, when that holds the same models already.

    None for a box that never had a query. `reason` is worked out from what changed when it is empty.
    """
    box = Box.objects.select_for_update().get(id=box.id)
    current = current_bundle(box)
    previous = None if current is None else manifest_of(current)
    models = model_entries(workload(box), approved_members(box))
    if models == (previous.models if previous else ()):
        return current
    _check_blobs(models)
    bundle = _create(box, previous, models, reason or publish_reason(previous, models), now)
    detail = {"version": bundle.version, "box": box.name, "reason": bundle.reason}
    audit_record(actor=None, action="bundle.publish", subject=bundle, site_id=box.site_id, now=now, detail=detail)
    box_target_changed(box_id=box.id)
    live_publish_on_commit(Topic(TopicKind.BOX, box.id), "changed", what="bundle", id=str(bundle.id))
    site_changed(box.site_id, "bundle", bundle.id)
    return bundle


def _create(box: Box, previous: Manifest | None, models: tuple[ModelEntry, ...], reason: str, now: datetime) -> Bundle:
    version = previous.version + 1 if previous else 1
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


def _check_blobs(models: tuple[ModelEntry, ...]) -> None:
    maps = [tensors for entry in models for tensors in (entry.tensors, entry.original_tensors or {})]
    missing = blobs_missing(distinct_tensors(*maps))
    if missing:
        raise BlobsMissing(
            f"{len(missing)} files of the models are missing in the artifact store, so the box keeps its bundle: "
            "restore the store from a backup or register the models again."
        )
