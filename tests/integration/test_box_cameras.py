"""Cameras over real sockets and files: they come back, fail with one clear sentence, and leave each other alone."""

import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from edge_runtime.protocol.target import CameraTarget
from edge_runtime.video.cameras import CameraSet
from edge_runtime.video.probe import probe
from edge_runtime.video.problems import CaptureError
from edge_runtime.video.reader import CameraReader
from edge_runtime.video.sources import open_capture
from tests.simulators.clips import write_clip
from tests.simulators.rtsp_server import RtspServer


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("film") / "square.mp4")


@pytest.fixture
def reading():
    """Starts readers and stops them at the end; each keeps its frames in `.frames`."""
    readers = []

    def start(source):
        frames = []
        reader = CameraReader(CameraTarget("c1", "Gate", str(source)), frames.append)
        reader.frames = frames
        readers.append(reader)
        reader.start()
        return reader

    yield start
    for reader in readers:
        reader.stop()


def until(condition, timeout_s=8.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def test_reads_rtsp_and_comes_back_when_the_camera_does(film, reading):
    with RtspServer(film) as server:
        reader = reading(server.url)
        until(lambda: len(reader.frames) >= 3)
        assert reader.status.codec == "h264"
        assert reader.frames[0].image.shape == (64, 96, 3)
        server.kill()
        until(lambda: reader.status.state == "failed")
        assert reader.status.problem
        assert reader.latest is None
        seen = len(reader.frames)
        server.start()
        until(lambda: len(reader.frames) > seen + 2)
        assert reader.status.state == "running"
        assert reader.status.problem == ""


def test_plays_a_film_at_its_own_pace_and_starts_again_at_its_end(tmp_path, reading):
    reader = reading(write_clip(tmp_path / "short.mp4", frames=6, rate_fps=12))
    until(lambda: len(reader.frames) >= 15)
    times = [frame.captured_at for frame in reader.frames[:15]]
    assert times[-1] - times[0] > 14 / 12 * 0.7
    assert [frame.index for frame in reader.frames[:15]] == list(range(15))
    squares = [int(frame.image[32].mean(axis=1).argmax()) for frame in reader.frames[:12]]
    assert squares[0] < squares[5]
    assert squares[6] < squares[5]


def test_an_unreachable_camera_gives_one_sentence_without_the_password(reading):
    reader = reading("rtsp://admin:s3cret@127.0.0.1:9/stream")
    until(lambda: reader.status.state == "failed")
    assert "refuses connections" in reader.status.problem
    assert "s3cret" not in reader.status.problem
    assert reader.sample().state == "failed"


def test_a_corrupt_film_gives_one_sentence(tmp_path, reading):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this was never a film" * 100)
    reader = reading(broken)
    until(lambda: reader.status.state == "failed")
    assert "may be damaged" in reader.status.problem
    assert str(broken) in reader.status.problem


@pytest.fixture
def web(film):
    """An HTTP server with the film; /locked wants a password."""

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/locked":
                self.send_error(401)
            else:
                super().do_GET()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=film.parent))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_film_over_http_is_played_at_its_pace_and_again(web, reading):
    reader = reading(f"http://{web}/square.mp4")
    until(lambda: len(reader.frames) >= 28)
    times = [frame.captured_at for frame in reader.frames]
    assert times[12] - times[0] > 0.7
    assert reader.status.state == "running"


def test_a_wrong_camera_password_is_told_apart_and_not_repeated(web, reading):
    reader = reading(f"http://admin:s3cret@{web}/locked")
    until(lambda: reader.status.state == "failed")
    assert "refuses the user name or password" in reader.status.problem
    assert "s3cret" not in reader.status.problem


def test_files_outside_the_allowed_folder_are_not_played(film, tmp_path):
    with pytest.raises(CaptureError, match="only plays files below"):
        open_capture(str(film), media_root=tmp_path)
    assert open_capture(str(film), media_root=film.parent).codec == "h264"


@pytest.mark.real_data
def test_plays_every_real_recording_in_reach(gemel_data_dir):
    videos = sorted((gemel_data_dir / "videos").glob("*.mp4"))
    assert videos
    for video in videos:
        result, image = probe(CameraTarget("c1", "Gate", str(video)), 1)
        assert (result.problem, image.shape) == ("", (result.height, result.width, 3))
        assert result.rate_fps > 0


def test_a_film_that_is_not_there_says_so(tmp_path):
    result, image = probe(CameraTarget("c1", "Gate", str(tmp_path / "no.mp4")), 3)
    assert (result.request, image) == (3, None)
    assert "There is no file" in result.problem


def test_a_probe_answers_with_size_rate_codec_and_picture(film):
    result, image = probe(CameraTarget("c1", "Gate", film.as_uri()), 7)
    assert (result.request, result.width, result.height, result.rate_fps, result.codec) == (7, 96, 64, 12.0, "h264")
    assert image.shape == (64, 96, 3)
    assert result.problem == ""


def test_a_stalled_camera_does_not_hold_up_stopping_nor_the_others(film):
    frames = []
    cameras = CameraSet(frames.append)
    with RtspServer(film) as server:
        server.stall()
        cameras.start(CameraTarget("stalled", "Stalled", server.url))
        cameras.start(CameraTarget("film", "Film", str(film)))
        until(lambda: len(frames) > 3)
        assert {frame.camera for frame in frames} == {"film"}
        started = time.monotonic()
        cameras.stop_all()
        assert time.monotonic() - started < 2
        seen = len(frames)
        time.sleep(0.3)
        assert len(frames) == seen
