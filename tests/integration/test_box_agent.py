"""A box's agent against a server over real sockets, with real cameras and bundles and no models."""

import asyncio
import errno
import os

import msgspec
import numpy as np
import pytest

from edge_runtime.agent import own_identity, spooling
from edge_runtime.agent.identity import load_identity
from edge_runtime.agent.recall import load_recall
from edge_runtime.agent.stats_spool import StatsSpool
from edge_runtime.answers.results import Result
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.messages import EventReport, HostSample, LogWanted, Nudge, QuerySample
from edge_runtime.protocol.target import CameraTarget, FrameRequest, Privacy, QueryTarget
from edge_runtime.vision.spec import Detections, Frame
from tests.simulators.box import Box, is_running, last_report, publish, until
from tests.simulators.box_server import CREDENTIAL, FleetServer
from tests.simulators.clips import write_clip

CARS = QueryTarget("cars", "Cars", "s1", "gate", ("car",), 5.0, 400, 0.95)


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return str(write_clip(tmp_path_factory.mktemp("film") / "square.mp4"))


@pytest.fixture
def server():
    with FleetServer() as running:
        yield running


@pytest.fixture
async def box(server, tmp_path):
    started = Box(server, tmp_path)
    await started.start()
    yield started
    await started.stop()


async def test_reaches_its_target_and_reports_what_really_runs(server, box, film):
    server.change(cameras=(CameraTarget("gate", "Gate", film),), queries=(CARS,))
    digest, _ = publish(server, 1, 2, version=1)
    await until(lambda: is_running(server, digest))
    assert box.serving.running.queries == (CARS,)
    await until(lambda: server.stats and server.stats[-1].bundle_version == 1)
    (camera,) = server.stats[-1].cameras
    assert (camera.camera, camera.state) == ("gate", "running")


async def test_an_update_fetches_only_what_changed(server, box):
    digest, _ = publish(server, 1, 2, version=1)
    await until(lambda: is_running(server, digest))
    server.blobs_served.clear()
    digest, blobs = publish(server, 1, 3, version=2)
    await until(lambda: is_running(server, digest))
    assert len(server.blobs_served) == 1
    assert set(server.blobs_served) < blobs


async def test_a_new_camera_or_query_disturbs_no_other(server, box, film):
    gate = CameraTarget("gate", "Gate", film)
    server.change(cameras=(gate,), queries=(CARS,))
    digest, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, digest) and box.cameras.latest("gate") is not None)
    await until(lambda: box.cameras.latest("gate").index >= 1)
    index = box.cameras.latest("gate").index
    people = msgspec.structs.replace(CARS, query="people", name="People")
    server.change(cameras=(gate, CameraTarget("yard", "Yard", film)), queries=(CARS, people))
    await until(lambda: box.cameras.latest("yard") is not None and len(box.serving.activations) == 2)
    assert box.serving.running.queries == (CARS, people)
    await until(lambda: box.cameras.latest("gate").index > index)


async def test_a_bundle_that_does_not_fit_leaves_the_old_one_and_says_why(server, box):
    first, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, first))
    box.serving.refusal = GemelError("Model s1 needs 90 MiB, the budget is 60 MiB.")
    publish(server, 2, version=2)
    await until(lambda: last_report(server).state == "not at target" and "90 MiB" in last_report(server).sentence)
    assert last_report(server).manifest_digest == first
    assert box.serving.running.manifest.version == 1


async def test_a_forged_bundle_is_refused(server, box):
    first, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, first))
    server.key = "11" * 32
    publish(server, 2, version=2)
    await until(lambda: "signature" in last_report(server).sentence)
    assert last_report(server).manifest_digest == first


async def test_tells_of_its_hardware_once_per_reading_and_says_what_is_wrong_with_it(server, box):
    box.health.newest = HostSample(at=5.0, cpu_percent=40.0, disk_free_bytes=7)
    digest, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, digest) and len(server.stats) >= 3)
    assert [stats.host for stats in server.stats if stats.host] == [
        HostSample(at=5.0, cpu_percent=40.0, disk_free_bytes=7)
    ]
    box.health.sentences = ("The box is too hot.",)
    await until(
        lambda: (last_report(server).state, last_report(server).sentence) == ("degraded", "The box is too hot.")
    )
    box.health.sentences = ()
    await until(lambda: is_running(server, digest))


async def test_a_full_disk_leaves_what_runs_and_is_told_until_there_is_room_again(server, box, monkeypatch):
    first, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, first) and (box.folder / "recall.json").exists())
    monkeypatch.setattr(os, "fsync", no_space)
    second, _ = publish(server, 2, version=2)
    await until(lambda: "its disk is full" in last_report(server).sentence)
    assert (last_report(server).state, last_report(server).manifest_digest) == ("not at target", first)
    assert not list(box.folder.rglob("*.part"))
    monkeypatch.undo()
    await until(lambda: is_running(server, second))


async def test_a_full_disk_while_remembering_degrades_the_box_and_it_remembers_later(server, box, film, monkeypatch):
    digest, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, digest) and load_recall(box.folder).running == digest)
    monkeypatch.setattr(os, "fsync", no_space)
    server.change(cameras=(CameraTarget("gate", "Gate", film),))
    await until(lambda: last_report(server).state == "degraded" and "its disk is full" in last_report(server).sentence)
    assert load_recall(box.folder).target.cameras == ()
    monkeypatch.undo()
    await until(lambda: is_running(server, digest))
    assert [camera.camera for camera in load_recall(box.folder).target.cameras] == ["gate"]


def no_space(descriptor):
    raise OSError(errno.ENOSPC, "No space left on device")


async def test_a_bad_camera_degrades_the_box_and_the_sentence_names_it(server, box, film):
    server.change(
        cameras=(
            CameraTarget("gate", "Gate", film),
            CameraTarget("roof", "Roof", "rtsp://admin:s3cret@127.0.0.1:9/live"),
        ),
        probes={"roof": 5},
    )
    await until(lambda: last_report(server) and last_report(server).state == "degraded")
    assert last_report(server).sentence.startswith("Roof: ")
    await until(lambda: server.probes)
    camera, result, picture = server.probes[0]
    assert (camera, result.request, picture) == ("roof", 5, None)
    assert "refuses connections" in result.problem
    await until(lambda: box.cameras.latest("gate") is not None)
    assert b"s3cret" not in b"".join(map(msgspec.json.encode, [*server.reports, *server.stats, result]))


async def test_goes_on_without_the_server_and_loses_no_statistics(server, box, film):
    server.change(cameras=(CameraTarget("gate", "Gate", film),))
    await until(lambda: len(server.stats) >= 1 and box.cameras.latest("gate") is not None)
    server.stop()
    index = box.cameras.latest("gate").index
    await asyncio.sleep(1.5)
    assert box.cameras.latest("gate").index > index
    server.start()
    await until(lambda: len(server.stats) >= 4)
    numbers = [stats.seq for stats in server.stats]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_killed_box_still_sends_the_statistics_of_its_earlier_start_and_those_first(
    server, tmp_path, monkeypatch
):
    monkeypatch.setattr(spooling, "KEPT_WITHIN_S", 0.2)
    server.stop()
    earlier = Box(server, tmp_path)
    await earlier.start()
    await until(lambda: StatsSpool(tmp_path / "statistics.sqlite").open() == 2)
    await earlier.kill()
    again = Box(server, tmp_path)
    await again.start()
    await until(lambda: StatsSpool(tmp_path / "statistics.sqlite").open() >= 3)
    server.start()
    await until(lambda: len({stats.boot_id for stats in server.stats}) == 2 and len(server.stats) >= 4)
    await again.stop()
    boots = list(dict.fromkeys(stats.boot_id for stats in server.stats))
    numbers = {boot: [stats.seq for stats in server.stats if stats.boot_id == boot] for boot in boots}
    assert [stats.boot_id for stats in server.stats] == [boot for boot in boots for _ in numbers[boot]]
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())
    assert len(numbers[boots[0]]) >= 2


async def test_starts_again_with_the_server_away(server, tmp_path, film):
    box = Box(server, tmp_path)
    await box.start()
    server.change(cameras=(CameraTarget("gate", "Gate", film),), queries=(CARS,))
    digest, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, digest) and (tmp_path / "recall.json").exists())
    await asyncio.sleep(0.2)
    await box.stop()
    server.stop()
    again = Box(server, tmp_path)
    await again.start()
    await until(lambda: again.serving.running is not None and again.cameras.latest("gate") is not None)
    assert again.serving.running.queries == (CARS,)
    await again.stop()


async def test_a_revoked_credential_leaves_the_box_running(server, box):
    digest, _ = publish(server, 1, version=1)
    await until(lambda: is_running(server, digest))
    server.is_credential_valid = False
    server.stop()
    server.start()
    await asyncio.sleep(1.5)
    assert not box.task.done()
    assert box.serving.running.manifest.version == 1


async def test_sends_the_frames_that_a_data_set_asks_for(server, box, film):
    gate = CameraTarget("gate", "Gate", film)
    server.change(cameras=(gate,), frame_requests=(FrameRequest("r1", "gate", 23, 2.0),))
    await until(lambda: "r1" in server.uploads and server.uploads["r1"].problem is not None)
    upload = server.uploads["r1"]
    assert upload.problem == ""
    assert [len(index.frames) for index in upload.indexes] == [20, 3]
    assert {label.file for index in upload.indexes for label in index.frames} == set(upload.pictures)


async def test_keeps_pictures_where_privacy_is_off(server, box, film):
    hidden = CameraTarget("gate", "Gate", film, privacy=Privacy.OFF)
    server.change(cameras=(hidden,), frame_requests=(FrameRequest("r1", "gate", 5, 1.0),), probes={"gate": 1})
    await until(lambda: "r1" in server.uploads and server.uploads["r1"].problem is not None)
    assert "keeps all pictures" in server.uploads["r1"].problem
    assert not server.uploads["r1"].pictures
    await until(lambda: server.probes)
    assert server.probes[0][1].width == 96
    assert server.probes[0][2] is None
    server.want_preview("gate")
    await asyncio.sleep(0.5)
    assert server.previews == []


async def test_sends_its_log_when_somebody_looks(server, box):
    await until(lambda: server.stats)
    box.health.logged = ["started"]
    server.send(LogWanted(is_whole=True))
    await until(lambda: server.log)
    box.health.logged.append("a camera is away")
    server.send(LogWanted())
    await until(lambda: len(server.log) == 2)
    assert [[line.text for line in said.lines] for said in server.log] == [["started"], ["a camera is away"]]


async def test_shows_a_camera_only_while_somebody_looks(server, box, film):
    server.change(cameras=(CameraTarget("gate", "Gate", film),))
    await until(lambda: box.cameras.latest("gate") is not None and server.stats)
    assert server.previews == []
    server.want_preview("gate", seconds=60.0, rate_fps=8.0)
    await until(lambda: len(server.previews) >= 3)
    assert {head.camera for head, _ in server.previews} == {"gate"}
    server.want_preview("gate", seconds=0.0)
    await asyncio.sleep(0.3)
    seen = len(server.previews)
    await asyncio.sleep(0.5)
    assert len(server.previews) == seen


async def test_events_wait_for_the_server_and_come_once(server, box, tmp_path, film):
    server.change(cameras=(CameraTarget("gate", "Gate", film),), queries=(CARS,))
    await until(lambda: (tmp_path / "recall.json").exists())
    await asyncio.to_thread(server.stop)
    await box.stop()
    server.knows_queries = frozenset({"cars"})
    await box.start()
    for number, query in enumerate(("cars", "removed", "cars")):
        event = EventReport(f"event-{number}", query, "gate", "appeared", "car", 1.7e9 + number, None, 0.9)
        await asyncio.to_thread(box.agent._spool.add, event, b"\xff\xd8", Privacy.FULL)
    await asyncio.to_thread(server.start)
    await until(lambda: box.agent._spool.waiting == 0, timeout_s=30.0)
    assert [(name, event.query, picture) for name, (event, picture) in server.events.items()] == [
        ("event-0", "cars", b"\xff\xd8"),
        ("event-2", "cars", b"\xff\xd8"),
    ]
    assert [event.event for event in server.events_refused] == ["event-1"]


async def test_statistics_say_what_appeared(server, box):
    box.serving.samples = (QuerySample("cars", 1, 1, 0, 0, 1.0, 1.0, 0, 0.0, None, 0, {"car": 0.2}),)
    boxes, scores = np.array([(0.1, 0.1, 0.3, 0.3)], np.float32), np.array([0.9], np.float32)
    for tick in range(3):
        frame = Frame("gate", tick, np.zeros((2, 2, 3), np.uint8), tick / 5, 1.7e9 + tick / 5)
        found = Detections(boxes, np.zeros(1, np.int64), scores)
        box.answers.put(Result("cars", "Cars", (), frame, found, ("car",)))
    while box.answers.work():
        pass
    await until(lambda: any(query.appeared for stats in server.stats for query in stats.queries))
    assert sum(query.appeared.get("car", 0) for stats in server.stats for query in stats.queries) == 1


async def test_state_on_disk_is_for_its_user_alone(server, box, tmp_path, film):
    server.change(cameras=(CameraTarget("gate", "Gate", film),))
    await until(lambda: (tmp_path / "recall.json").exists())
    assert os.stat(tmp_path / "recall.json").st_mode & 0o077 == 0


@pytest.mark.parametrize("moments", range(4))
async def test_stops_although_news_came_in_the_same_moment(server, box, moments):
    await until(lambda: server.stats)
    box.agent._on_message(Nudge())  # not through the socket, which would leave the moment to chance
    for _ in range(moments):
        await asyncio.sleep(0)
    await asyncio.wait_for(box.stop(), 5.0)


async def test_renews_its_credential_and_connects_with_the_new_one(server, box):
    await until(lambda: server.stats)
    server.change(renew_credential=True)
    await until(lambda: server.credential == "credential-1")
    assert server.credentials_given == ["credential-1"]
    assert load_identity(box.folder).credential == "credential-1"

    server.stop()
    server.stats.clear()
    server.start()
    await until(lambda: server.stats)


async def test_keeps_its_credential_while_a_new_one_cannot_be_kept(server, box, monkeypatch):
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    await until(lambda: server.stats)
    monkeypatch.setattr(own_identity, "save_identity", full)
    server.change(renew_credential=True)
    await until(lambda: len(server.credentials_given) > 1)
    assert server.credential == CREDENTIAL
    monkeypatch.undo()
    await until(lambda: server.credential == server.credentials_given[-1])
