"""The box's HTTP API, over Django's test client: authentication, isolation, target state."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from msgspec.structs import replace

from edge_runtime.protocol.enrolment import EnrolReply, EnrolRequest, Hardware
from edge_runtime.protocol.manifest import SignedManifest, decode_manifest, sha256_hex
from edge_runtime.protocol.measurements import BatchMeasured, BoxMeasured, NetworkMeasured
from edge_runtime.protocol.messages import FrameIndex, FrameLabel, ProbeResult
from edge_runtime.protocol.signing import verify
from edge_runtime.protocol.target import TargetState
from edge_runtime.protocol.version import HEADER as HEADER_OF_VERSION
from edge_runtime.protocol.version import SPOKEN
from webapp.common.stored_files import HEADER
from webapp.fleets.models import Camera
from webapp.fleets.services import box_revoke, join_code_create
from webapp.rollouts.models import BoxMeasurement
from webapp.rollouts.services import bundle_publish
from webapp.workloads.models import Dataset, DatasetState
from webapp.workloads.services import dataset_request

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HARDWARE = Hardware("edge-1", "Linux", 4, 8 * 2**30, "cpu", "Some CPU", "0.1.0")
Api = Callable[..., Any]


@pytest.fixture
def api(fleet: Any) -> Api:
    """Requests as the fleet's box, CSRF checks on."""
    client = Client(enforce_csrf_checks=True)

    def call(method: str, path: str, credential: str = fleet.credential, **values: Any) -> Any:
        headers = {"Authorization": f"Bearer {credential}", **values.pop("headers", {})}
        return getattr(client, method)(f"/api/box/{path}", headers=headers, **values)

    return call


def target(api: Api) -> TargetState:
    return msgspec.json.decode(api("get", "target").content, type=TargetState)


def stored(answer: Any) -> bytes:
    """What common.stored_files sends for this answer."""
    return Path(unquote(answer[HEADER])).read_bytes()


def enrol(code: str) -> Any:
    body = msgspec.json.encode(EnrolRequest(code, HARDWARE))
    return Client(enforce_csrf_checks=True).post("/api/box/enrol", body, content_type="application/json")


def test_joining_gives_a_credential_that_works(fleet: Any, api: Api) -> None:
    answer = enrol(join_code_create(actor=None, box=fleet.box, now=timezone.now()))
    reply = msgspec.json.decode(answer.content, type=EnrolReply)
    assert reply.box == str(fleet.box.id)
    assert api("get", "target", reply.credential).status_code == 200
    assert api("get", "target").status_code == 401


def test_a_refusal_is_a_code_and_a_sentence(db: None) -> None:
    answer = enrol("AAAA-AAAA-AAAA")
    assert answer.status_code == 400
    assert answer.json()["code"] == "join_code_wrong"
    assert answer.json()["message"].endswith(".")


@pytest.mark.parametrize(("said", "status"), [("", 200), ("1-2", 200), ("2-3", 200), ("3-4", 426), ("x", 400)])
def test_a_box_one_version_behind_or_ahead_is_served_and_others_are_told(
    fleet: Any, api: Api, said: str, status: int
) -> None:
    answer = api("get", "target", headers={HEADER_OF_VERSION: said} if said else {})
    assert (answer.status_code, answer[HEADER_OF_VERSION]) == (status, str(SPOKEN))
    if status == 426:
        assert answer.json()["message"] == "The box speaks protocol 3-4, the server 1-2: update the server. It runs on."


def test_a_body_of_values_within_values_is_refused(fleet: Any, api: Api) -> None:
    body = b'{"code": "x", "more": ' + b"[" * 10_000
    answer = api("post", "enrol", data=body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")


@pytest.mark.parametrize("path", ["target", "manifests/aa", "blobs/" + "a" * 64])
def test_nothing_is_told_without_a_valid_credential(fleet: Any, api: Api, path: str) -> None:
    box_revoke(actor=None, box=fleet.box, now=NOW)
    for credential in ("", "wrong", fleet.credential):
        answer = api("get", path, credential)
        assert (answer.status_code, answer.json()["code"]) == (401, "credential_refused")


def test_the_target_is_not_sent_again_until_it_changes(fleet: Any, api: Api) -> None:
    first = api("get", "target")
    again = api("get", "target", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    fleet.query()
    bundle_publish(box=fleet.box, now=NOW)
    assert api("get", "target", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_query_is_wanted_only_once_a_bundle_holds_its_slot(fleet: Any, api: Api) -> None:
    query = fleet.query()
    assert (target(api).queries, target(api).bundle) == ((), None)
    bundle = bundle_publish(box=fleet.box, now=NOW)
    wanted = target(api)
    assert [part.slot for part in wanted.queries] == [str(query.id)]
    assert wanted.bundle is not None
    assert (wanted.bundle.manifest_digest, wanted.bundle.version) == (bundle.manifest_digest, 1)
    assert wanted.cameras[0].source == "rtsp://user:secret@cam/1"


def test_the_manifest_is_signed_and_every_blob_it_names_can_be_had(fleet: Any, api: Api) -> None:
    fleet.query()
    bundle = bundle_publish(box=fleet.box, now=NOW)
    signed = msgspec.json.decode(api("get", f"manifests/{bundle.manifest_digest}").content, type=SignedManifest)
    for entry in decode_manifest(signed.manifest.encode()).models[0].tensors.values():
        assert sha256_hex(stored(api("get", f"blobs/{entry.digest}"))) == entry.digest
    code = join_code_create(actor=None, box=fleet.box, now=timezone.now())
    verify(signed.manifest.encode(), signed.signature, enrol(code).json()["server_public_key"])


def test_a_box_reads_only_blobs_that_its_own_bundle_names(fleet: Any, api: Api, make_fleet: Any) -> None:
    other = make_fleet("airport")
    other.query(model=other.model("secret", weights=b"12345678"))
    theirs = bundle_publish(box=other.box, now=NOW)
    fleet.query()
    mine = bundle_publish(box=fleet.box, now=NOW)

    def digest(bundle: Any) -> str:
        return decode_manifest(bundle.manifest.encode()).models[0].tensors["head.weight"].digest

    assert len(stored(api("get", f"blobs/{digest(mine)}"))) == 16
    assert api("get", f"blobs/{digest(theirs)}").status_code == 404
    assert api("get", f"manifests/{theirs.manifest_digest}").status_code == 404
    assert api("get", "blobs/..%2f..%2fetc%2fpasswd").status_code == 404


def test_a_probe_is_answered_with_a_picture(fleet: Any, api: Api, jpeg: bytes) -> None:
    assert target(api).probes == {str(fleet.camera.id): 1}
    probe = msgspec.json.encode(ProbeResult(1, 640, 480, 25.0, "h264")).decode()
    picture = SimpleUploadedFile("picture.jpg", jpeg, "image/jpeg")
    answer = api("post", f"cameras/{fleet.camera.id}/probe", data={"probe": probe, "picture": picture})
    assert answer.status_code == 204
    assert Camera.objects.get(id=fleet.camera.id).picture
    assert target(api).probes == {}


def test_a_box_cannot_answer_for_another_box(fleet: Any, api: Api, make_fleet: Any) -> None:
    other = make_fleet("airport")
    dataset = dataset_request(actor=None, camera=other.camera, name="x", frames=10, span_s=5.0, now=NOW)
    probe = msgspec.json.encode(ProbeResult(1)).decode()
    assert api("post", f"cameras/{other.camera.id}/probe", data={"probe": probe}).status_code == 404
    done = api("post", f"frame-requests/{dataset.id}/complete", data="{}", content_type="application/json")
    assert done.status_code == 404
    assert Dataset.objects.get(id=dataset.id).state == DatasetState.COLLECTING


def test_requested_frames_become_a_data_set(fleet: Any, api: Api, jpeg: bytes) -> None:
    dataset = dataset_request(actor=None, camera=fleet.camera, name="day", frames=10, span_s=60.0, now=NOW)
    assert [wanted.request for wanted in target(api).frame_requests] == [str(dataset.id)]
    index = msgspec.json.encode(FrameIndex((FrameLabel("0.jpg", 1.0), FrameLabel("1.jpg", 2.0)))).decode()
    files = [SimpleUploadedFile(f"{number}.jpg", jpeg, "image/jpeg") for number in range(2)]
    sent = api("post", f"frame-requests/{dataset.id}/frames", data={"index": index, "files": files})
    done = api("post", f"frame-requests/{dataset.id}/complete", data='{"problem": ""}', content_type="application/json")
    dataset.refresh_from_db()
    assert (sent.status_code, done.status_code) == (204, 204)
    assert (dataset.state, dataset.frame_count, dataset.labelled_count) == (DatasetState.READY, 2, 0)
    assert target(api).frame_requests == ()


def test_a_large_frame_is_refused_before_it_is_read(
    fleet: Any, api: Api, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.workloads.api.FRAME_MAX_BYTES", len(jpeg) - 1)
    dataset = dataset_request(actor=None, camera=fleet.camera, name="day", frames=10, span_s=60.0, now=NOW)
    index = msgspec.json.encode(FrameIndex((FrameLabel("0.jpg", 1.0),))).decode()
    files = [SimpleUploadedFile("0.jpg", jpeg, "image/jpeg")]

    sent = api("post", f"frame-requests/{dataset.id}/frames", data={"index": index, "files": files})

    assert (sent.status_code, sent.json()["message"]) == (400, "A frame has more than 4 MiB.")


def test_nonsense_is_refused_in_a_sentence(fleet: Any, api: Api) -> None:
    answer = api("post", f"cameras/{fleet.camera.id}/probe", data={"probe": "nonsense"})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert api("post", "target").status_code == 405


def tell(api: Api, measured: BoxMeasured) -> Any:
    return api("post", "measured", data=msgspec.json.encode(measured), content_type="application/json")


def network(architecture: str, run_ms: float = 10.0) -> NetworkMeasured:
    return NetworkMeasured(architecture, (64, 96), 3, (BatchMeasured(1, run_ms, 500),))


BATCH = {"size": 1, "run_ms": 10.0, "activation_bytes": 500}
RESNET = {"architecture": "resnet18", "input_size": [64, 96], "classes": 3, "batches": [BATCH]}
EARLIER = {
    "hardware": "a CPU",
    "policy": "layerwise",
    "budget_bytes": 10_000,
    "overhead_bytes": 100,
    "load_bytes_per_s": None,
    "networks": [RESNET],
}
SLOWER = {"after_load_ms": 11.0, "beside_copy_ms": 12.0}
NEWER = EARLIER | {
    "visit_ms": 0.5,
    "short_visit_ms": 1.5,
    "networks": [RESNET | {"switch_ms": 2.5, "batches": [BATCH | SLOWER]}],
}
MEASURED = BoxMeasured("a CPU", "layerwise", 10_000, 100, 1e8, (network("resnet18"), network("vgg16")))


def test_what_a_box_measured_is_kept_and_telling_it_again_changes_nothing(fleet: Any, api: Api) -> None:
    for _ in range(2):
        assert tell(api, MEASURED).status_code == 204

    kept = BoxMeasurement.objects.get(box=fleet.box)
    assert (kept.budget_bytes, kept.policy, kept.load_bytes_per_s) == (10_000, "layerwise", 1e8)
    assert sorted(kept.networks.values_list("architecture", "batches")) == [
        ("resnet18", [[1, 10.0, 500, False, None, None]]),
        ("vgg16", [[1, 10.0, 500, False, None, None]]),
    ]


def test_a_box_of_an_earlier_version_tells_less_and_is_understood(fleet: Any, api: Api) -> None:
    for told in (NEWER, EARLIER):
        assert (
            api("post", "measured", data=msgspec.json.encode(told), content_type="application/json").status_code == 204
        )
        kept = BoxMeasurement.objects.get(box=fleet.box)
        (row,) = kept.networks.all()
        known = (kept.visit_ms, kept.short_visit_ms, row.switch_ms, row.batches)
        if told is NEWER:
            assert known == (0.5, 1.5, 2.5, [[1, 10.0, 500, False, 11.0, 12.0]])
    assert known == (0.0, 0.0, 0.0, [[1, 10.0, 500, False, None, None]])


def test_figures_of_what_runs_no_longer_are_kept_until_the_hardware_changes(fleet: Any, api: Api) -> None:
    tell(api, MEASURED)
    tell(api, replace(MEASURED, networks=(network("resnet18", 25.0),)))
    kept = BoxMeasurement.objects.get(box=fleet.box).networks
    assert sorted((row.architecture, row.batches[0][1]) for row in kept.all()) == [("resnet18", 25.0), ("vgg16", 10.0)]

    tell(api, replace(MEASURED, hardware="another", networks=(network("resnet18"),)))
    assert [row.architecture for row in kept.all()] == ["resnet18"]


@pytest.mark.parametrize("body", [b"{", b"{}", b"[" * 300_000, msgspec.json.encode(replace(MEASURED, policy="dice"))])
def test_measurements_that_cannot_be_used_are_refused_and_change_nothing(fleet: Any, api: Api, body: bytes) -> None:
    tell(api, MEASURED)
    answer = api("post", "measured", data=body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json()["message"]
    assert BoxMeasurement.objects.get(box=fleet.box).policy == "layerwise"


def test_measurements_need_the_credential_of_a_box(fleet: Any, api: Api) -> None:
    answer = api("post", "measured", "wrong", data=msgspec.json.encode(MEASURED), content_type="application/json")
    assert answer.status_code == 401
    assert not BoxMeasurement.objects.exists()
