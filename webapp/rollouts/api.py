"""The box's HTTP API: target state, manifests and blobs, and what it measured. A box reads only its own."""

import hashlib

import msgspec
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils import timezone

from edge_runtime.protocol.measurements import BoxMeasured
from webapp.common.blobs import blob_path, blobs_missing
from webapp.common.errors import InvalidInput, NotFound
from webapp.common.stored_files import stored_file
from webapp.fleets.api import box_endpoint, decoded, json_response
from webapp.fleets.models import Box
from webapp.fleets.selectors import wants_new_credential
from webapp.fleets.services import box_seen
from webapp.rollouts.policies import MESSAGE_MAX_BYTES
from webapp.rollouts.selectors import names_blob, signed_manifest, signing_key_rotations, target_state
from webapp.rollouts.services import measured_record


@box_endpoint("GET")
def target(request: HttpRequest, box: Box) -> HttpResponse:
    now = timezone.now()
    box_seen(box_id=box.id, now=now)
    wanted = msgspec.structs.replace(target_state(box), renew_credential=wants_new_credential(box, now))
    content = msgspec.json.encode(wanted)
    etag = f'"{hashlib.sha256(content).hexdigest()}"'
    if request.headers.get("If-None-Match") == etag:
        return HttpResponseNotModified(headers={"ETag": etag})
    return HttpResponse(content, content_type="application/json", headers={"ETag": etag, "Cache-Control": "no-store"})


@box_endpoint("POST")
def measured(request: HttpRequest, box: Box) -> HttpResponse:
    if int(request.headers.get("Content-Length") or 0) > MESSAGE_MAX_BYTES:
        raise InvalidInput(f"Measurements take at most {MESSAGE_MAX_BYTES // 1024} KiB; nothing was changed.")
    measured_record(box=box, measured=decoded(request.body, BoxMeasured), now=timezone.now())
    return HttpResponse(status=204)


@box_endpoint("GET")
def manifest(request: HttpRequest, box: Box, digest: str) -> HttpResponse:
    return json_response(signed_manifest(box, digest))


@box_endpoint("GET")
def key_rotations(request: HttpRequest, box: Box) -> HttpResponse:
    return json_response(signing_key_rotations())


@box_endpoint("GET")
def blob(request: HttpRequest, box: Box, digest: str) -> HttpResponse:
    path = blob_path(digest)  # raises NotFound for anything that is no digest
    if not names_blob(box, digest):
        raise NotFound("No bundle of this box names such a file.")
    if blobs_missing([digest]):
        raise NotFound(f"The artifact store has no file {digest[:12]}.")
    return stored_file(path)
