"""Cameras that fail in every way there is, beside one that works: it plays on, and every one can be stopped."""

import threading
import time
from contextlib import ExitStack

import av
import pytest
from av.codec.hwaccel import HWAccel, hwdevices_available

from edge_runtime.protocol.target import CameraTarget
from edge_runtime.video import capture, hardware_decoding
from edge_runtime.video.cameras import CameraSet
from edge_runtime.video.reader import STOP_S
from edge_runtime.video.sources import open_capture
from tests.simulators.bad_cameras import GARBAGE, BadCamera
from tests.simulators.clips import write_clip
from tests.simulators.rtsp_server import RtspServer

GOOD = "good"
RATE_FPS = 12


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("film") / "square.mp4", rate_fps=RATE_FPS)


@pytest.fixture(scope="module")
def larger_film(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("film") / "larger.mp4", rate_fps=RATE_FPS, frames=12, size=(160, 96))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """The same limits, reached within a test."""
    monkeypatch.setattr(capture, "NETWORK_TIMEOUT_S", 0.5)
    monkeypatch.setattr(capture, "NO_PICTURE_S", 1.0)


@pytest.fixture
def cameras(film):
    """A set of cameras of which one, `GOOD`, plays a film. `.frames`: what each gave, by camera."""
    frames = {}
    cameras = CameraSet(lambda frame: frames.setdefault(frame.camera, []).append(frame))
    cameras.frames = frames
    cameras.start(CameraTarget(GOOD, "Good", str(film)))
    until(lambda: frames.get(GOOD))
    yield cameras
    cameras.stop_all()


def until(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def start(cameras, camera, source):
    cameras.start(CameraTarget(camera, camera, str(source)))


def state(cameras, camera):
    return next(sample for sample in cameras.samples() if sample.camera == camera)


def assert_good_is_undisturbed(cameras, since):
    """It gave what its film holds since then, without beginning anew; half is left to a busy machine."""
    frames = cameras.frames[GOOD]
    given = sum(frame.captured_at >= since for frame in frames)
    assert given >= 0.5 * RATE_FPS * (time.monotonic() - since)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert state(cameras, GOOD).state == "running"


def threads_of(*cameras):
    return {thread.name for thread in threading.enumerate()} & {f"camera-{camera}" for camera in cameras}


def test_endless_garbage_silence_and_slowness_disturb_nobody_and_can_be_stopped(cameras):
    with ExitStack() as stack:
        bad = {"never accepts": stack.enter_context(BadCamera(None)).url("rtsp")}
        for name, chunks in GARBAGE.items():
            server = stack.enter_context(BadCamera(chunks))
            bad[name] = server.url("rtsp" if name == "RTSP" else "http")
        since = time.monotonic()
        for name, source in bad.items():
            start(cameras, name, source)
        until(lambda: all(state(cameras, name).state == "failed" for name in bad))
        for name in bad:
            problem = state(cameras, name).problem
            assert problem.endswith((".", "again."))
            assert "s3cret" not in problem
        assert_good_is_undisturbed(cameras, since)
        for name in bad:
            stopping = time.monotonic()
            cameras.stop(name)
            assert time.monotonic() - stopping < STOP_S + 0.5
        assert_good_is_undisturbed(cameras, since)
        until(lambda: not threads_of(*bad))
        assert set(cameras.frames) == {GOOD}


def test_a_camera_whose_stream_turns_to_noise_fails_alone(cameras, film):
    with RtspServer(film) as server:
        start(cameras, "noisy", server.url)
        until(lambda: cameras.frames.get("noisy"))
        since = time.monotonic()
        server.garble()
        until(lambda: state(cameras, "noisy").state == "failed")
        assert_good_is_undisturbed(cameras, since)
        cameras.stop("noisy")
        until(lambda: not threads_of("noisy"))


def test_a_killed_camera_comes_back_while_the_other_plays_on(cameras, film):
    with RtspServer(film) as server:
        start(cameras, "killed", server.url)
        until(lambda: cameras.frames.get("killed"))
        since = time.monotonic()
        server.kill()
        until(lambda: state(cameras, "killed").state == "failed")
        seen = len(cameras.frames["killed"])
        server.start()
        until(lambda: len(cameras.frames["killed"]) > seen + 2)
        assert state(cameras, "killed").state == "running"
        assert_good_is_undisturbed(cameras, since)


def test_a_stream_that_changes_its_size_plays_on_in_the_new_size(cameras, film, larger_film):
    with RtspServer(film, larger_film) as server:
        start(cameras, "changing", server.url)
        since = time.monotonic()
        both = {(64, 96, 3), (96, 160, 3)}
        until(lambda: {frame.image.shape for frame in cameras.frames.get("changing", ())} >= both)
        assert state(cameras, "changing").state == "running"
        assert_good_is_undisturbed(cameras, since)


def test_after_a_stall_the_newest_pictures_are_shown_and_the_queue_of_old_ones_is_not(cameras, film, monkeypatch):
    monkeypatch.setattr(capture, "NETWORK_TIMEOUT_S", 5)
    with RtspServer(film) as server:
        start(cameras, "stalling", server.url)
        until(lambda: len(cameras.frames.get("stalling", ())) > 3)
        server.stall()
        time.sleep(2.2)
        seen, queued = len(cameras.frames["stalling"]), 2.2 * RATE_FPS
        server.resume()
        until(lambda: len(cameras.frames["stalling"]) > seen)
        time.sleep(0.2)
        assert len(cameras.frames["stalling"]) - seen < queued / 2
        until(lambda: len(cameras.frames["stalling"]) > seen + RATE_FPS)


def test_a_cut_film_plays_what_it_holds_and_says_that_it_breaks_off(cameras, film, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(_index_first(film, tmp_path)[:-400])
    since = time.monotonic()
    start(cameras, "cut", cut)
    until(lambda: state(cameras, "cut").state == "failed")
    assert "breaks off" in state(cameras, "cut").problem
    assert len(cameras.frames["cut"]) > 5
    assert_good_is_undisturbed(cameras, since)
    cut.write_bytes(film.read_bytes())
    until(lambda: state(cameras, "cut").state == "running")


def test_a_film_cut_while_it_plays_fails_alone(cameras, film, tmp_path):
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(film.read_bytes())
    start(cameras, "cut", cut)
    until(lambda: cameras.frames.get("cut"))
    since = time.monotonic()
    cut.write_bytes(film.read_bytes()[:300])
    until(lambda: state(cameras, "cut").state == "failed")
    assert "may be damaged" in state(cameras, "cut").problem
    assert_good_is_undisturbed(cameras, since)


def test_a_film_is_read_as_fast_as_possible_where_its_address_says_so(cameras, film):
    since = time.monotonic()
    start(cameras, "fast", f"{film.as_uri()}?pace=fast")
    until(lambda: len(cameras.frames.get("fast", ())) >= 5 * RATE_FPS * (time.monotonic() - since) > 30)
    cameras.stop("fast")
    until(lambda: not threads_of("fast"))


def test_a_camera_that_hangs_in_its_driver_is_left_behind(film):
    """As a V4L2 device does whose read never returns: nothing can end that thread."""
    let_go, frames = threading.Event(), []

    def opener(source):
        if source == "/dev/video0":
            let_go.wait()
        return open_capture(source)

    cameras = CameraSet(frames.append, opener=opener)
    start(cameras, "hanging", "/dev/video0")
    start(cameras, GOOD, film)
    until(lambda: len(frames) > 2)
    stopping = time.monotonic()
    cameras.stop_all()
    assert time.monotonic() - stopping < STOP_S + 0.5
    assert not threads_of(GOOD)
    let_go.set()
    until(lambda: not threads_of("hanging"))


def test_whatever_hardware_decoder_is_found_decodes_a_film(film):
    found = hardware_decoding.hardware_decoder()
    with_device = [picture.load().image for picture in open_capture(str(film), hwaccel=found).pictures()]
    in_software = [picture.load().image for picture in open_capture(str(film)).pictures()]
    assert len(with_device) == len(in_software) == 24
    assert abs(with_device[9].astype(int) - in_software[9]).mean() < 3


def test_a_device_that_does_not_open_is_passed_over(film, monkeypatch):
    kinds = [kind for kind in hwdevices_available() if not _opens(kind)]
    if not kinds:
        pytest.skip("every device that FFmpeg knows opens here")
    monkeypatch.setattr(hardware_decoding, "hwdevices_available", lambda: kinds)
    assert hardware_decoding.hardware_decoder.__wrapped__() is None


def test_a_stream_that_the_device_cannot_decode_is_decoded_in_software(film):
    kinds = [kind for kind in hwdevices_available() if _opens(kind)]
    if not kinds:
        pytest.skip("FFmpeg knows no device that opens here")
    for kind in kinds:
        assert len(list(open_capture(str(film), hwaccel=HWAccel(kind, allow_software_fallback=True)).pictures())) == 24


def _opens(kind):
    try:
        return av.CodecContext.create("h264", "r", hwaccel=HWAccel(kind)) is not None
    except (av.FFmpegError, OSError):
        return False


def _index_first(film, folder):
    """The film with its index before its pictures, so that a cut one can be opened."""
    path = folder / "index_first.mp4"
    with av.open(str(film)) as old, av.open(str(path), "w", options={"movflags": "faststart"}) as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(old.streams.video[0]):
            if packet.size:
                packet.stream = stream
                new.mux(packet)
    return path.read_bytes()
