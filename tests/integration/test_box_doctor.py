"""`gemel-edge doctor` on a box that is well and on boxes with one thing wrong each, against a real socket."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
import torch

from edge_runtime.agent.identity import Identity, save_identity
from edge_runtime.agent.recall import Recall, save_recall
from edge_runtime.bundles.pointer import Pointer
from edge_runtime.bundles.store import BundleStore
from edge_runtime.bundles.tensors import blob_bytes, tensor_entry
from edge_runtime.doctor.bundle import check_bundle
from edge_runtime.doctor.cameras import check_cameras
from edge_runtime.doctor.device import check_threads
from edge_runtime.doctor.findings import Level
from edge_runtime.doctor.server import check_server
from edge_runtime.doctor.state_folder import check_log, check_state_folder
from edge_runtime.protocol.manifest import ModelEntry
from edge_runtime.protocol.target import CameraTarget, TargetState
from tests.simulators.box_server import BOX, CREDENTIAL, FleetServer
from tests.simulators.clips import write_clip
from tests.simulators.rtsp_server import RtspServer

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server():
    with FleetServer() as running:
        yield running


@pytest.fixture
def identity(server):
    return Identity(server.url, BOX, "Depot", CREDENTIAL, server.public_key)


@pytest.fixture
def box(server, identity, tmp_path):
    """The folder of a box that ran a bundle of two tensors on one film."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    save_identity(folder, identity)
    tensors = {name: torch.full((8,), float(value)) for value, name in enumerate(("a", "b"))}
    entries = {name: tensor_entry(tensor) for name, tensor in tensors.items()}
    model = ModelEntry("s1", "detection", "tiny", ("car",), (64, 64), entries)
    digest = server.publish((model,), {entries[n].digest: tensors[n] for n in tensors}, version=1)
    store = BundleStore(folder / "bundles")
    for name, tensor in tensors.items():
        store.incoming(entries[name].digest).write_bytes(blob_bytes(tensor))
        store.take_in(entries[name].digest)
    store.stage(server.manifests[digest], public_key=server.public_key, box=BOX)
    store.activate(digest)
    film = write_clip(tmp_path / "square.mp4")
    camera = CameraTarget("gate", "Gate", str(film))
    save_recall(folder, Recall(TargetState(BOX, None, (camera,))))
    return folder


def doctor(folder, *arguments):
    command = [sys.executable, "-m", "edge_runtime", "doctor", "--state-dir", str(folder), *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)


def level_and_words(finding):
    return finding.level, f"{finding.sentence} {finding.advice}"


def test_a_box_that_is_well_but_unmeasured_gets_one_warning_and_every_check_is_named(box):
    ended = doctor(box, "--json")
    findings = {found["about"]: found for found in json.loads(ended.stdout)}
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert [about for about, found in findings.items() if found["level"] != "ok"] == ["Profiles"]
    assert "gemel-edge profile" in findings["Profiles"]["advice"]
    assert findings['Camera "Gate"']["sentence"].startswith("96x64")
    assert "Version 1 is whole" in findings["Bundle"]["sentence"]
    assert {"Enrolment", "State folder", "Server", "Clock", "Compute device", "Threads", "Video decoding"} < set(
        findings
    )


def test_a_machine_that_is_no_box_is_told_how_to_become_one(tmp_path):
    ended = doctor(tmp_path / "none", "--no-cameras")
    assert ended.returncode == 2
    assert "error    Enrolment: This box is not enrolled yet" in ended.stdout
    assert "-> Run: gemel-edge enrol --server URL --code CODE" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_a_server_that_is_well_agrees_on_time_and_accepts_the_box(server, identity):
    assert [finding.level for finding in check_server(identity)] == [Level.OK, Level.OK]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"credential": "wrong"}, "does not accept this box's credential"),
        ({"server": "http://no-such-host.invalid"}, "cannot be resolved"),
        ({"server": "http://127.0.0.1:9"}, "cannot be reached"),
        ({"server": "https://127.0.0.1:{port}"}, "is not secure"),
        ({"server": "{server}/elsewhere"}, "not like a Gemel Fleet server"),
    ],
)
def test_what_keeps_a_box_from_its_server_is_told_apart(server, identity, change, words):
    port = server.url.rpartition(":")[2]
    changed = {key: value.format(port=port, server=server.url) for key, value in change.items()}
    findings = list(check_server(msgspec.structs.replace(identity, **changed)))
    level, text = level_and_words(findings[-1])
    assert level is Level.ERROR
    assert words in text
    assert CREDENTIAL not in text


def test_a_clock_that_is_wrong_is_found_though_the_server_answers(server, identity):
    clock, answer = check_server(identity, now=lambda: time.time() - 3600)
    assert level_and_words(clock)[0] is Level.WARNING
    seconds = int(clock.sentence.partition("clock is ")[2].partition(" s behind")[0])
    assert 3500 < seconds <= 3601  # the answer took its time
    assert answer.level is Level.OK


def test_a_damaged_tensor_is_found_and_left_alone(box, identity):
    blob = sorted((box / "bundles" / "blobs").iterdir())[0]
    blob.write_bytes(b"damaged" + blob.read_bytes()[7:])
    _, finding = check_bundle(box, identity)
    assert level_and_words(finding)[0] is Level.ERROR
    assert "1 of 2 tensors of bundle version 1 are missing or damaged" in finding.sentence
    assert blob.exists()


def test_a_bundle_of_somebody_else_is_found(box, identity):
    _, finding = check_bundle(box, msgspec.structs.replace(identity, server_public_key="11" * 32))
    assert (finding.level, finding.about) == (Level.ERROR, "Bundle")
    assert "signature" in finding.sentence.lower()


def test_a_box_without_a_bundle_is_warned(tmp_path, identity):
    manifest, finding = check_bundle(tmp_path, identity)
    assert (manifest, finding.level) == (None, Level.WARNING)
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "current.json").write_bytes(msgspec.json.encode(Pointer(current="0" * 64)))
    assert check_bundle(tmp_path, identity)[1].level is Level.ERROR


def test_every_camera_is_tried_at_once_and_a_hanging_one_only_for_so_long(tmp_path):
    film = write_clip(tmp_path / "square.mp4")
    with RtspServer(film) as rtsp:
        rtsp.stall()
        cameras = (
            CameraTarget("a", "Gate", str(film)),
            CameraTarget("b", "Roof", "rtsp://admin:s3cret@127.0.0.1:9/live"),
            CameraTarget("c", "Yard", rtsp.url),
        )
        found = {finding.about: finding for finding in check_cameras(cameras, timeout_s=1.0)}
    assert found['Camera "Gate"'].level is Level.OK
    assert "refuses connections" in found['Camera "Roof"'].sentence
    assert "Check that it is on" in found['Camera "Roof"'].advice
    assert "no picture within 1 s" in found['Camera "Yard"'].sentence
    assert "s3cret" not in str(found)


def test_secrets_that_others_may_read_and_errors_in_the_log_are_warnings(box):
    assert [finding.level for finding in check_state_folder(box)] == [Level.OK]
    (box / "identity.json").chmod(0o644)
    assert [finding.level for finding in check_state_folder(box)] == [Level.OK, Level.WARNING]
    assert [finding.level for finding in check_log(box)] == [Level.OK]
    (box / "log").mkdir()
    lines = [{"level": "info", "event": "Connected"}] + [{"level": "error", "event": f"fault {n}"} for n in range(5)]
    (box / "log" / "gemel-edge.jsonl").write_text("cut off {\n" + "\n".join(map(json.dumps, lines)))
    assert [level_and_words(finding)[0] for finding in check_log(box)] == [Level.WARNING] * 3
    assert "fault 4" in list(check_log(box))[-1].sentence


@pytest.mark.parametrize(
    ("threads", "environ", "level"),
    [(1, {}, Level.OK), (1, {"OMP_WAIT_POLICY": "ACTIVE"}, Level.WARNING), (10_000, {}, Level.WARNING)],
)
def test_settings_that_make_threads_fight_are_warnings(threads, environ, level):
    assert check_threads(threads, environ).level is level
