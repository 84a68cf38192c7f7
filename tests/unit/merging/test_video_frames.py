import pytest

import workers.merging.video_frames as video_frames
from tests.unit.merging.videos import SIZE, number_of, write_video
from workers.merging.pictures import DataError
from workers.merging.video_frames import VideoFrames, video_pictures


@pytest.fixture
def video(tmp_path):
    write_video(tmp_path / "clip.mkv", 8)
    return tmp_path / "clip.mkv"


def test_gives_each_frame_by_its_number_forwards_and_back(video):
    frames = VideoFrames(video)
    assert [number_of(frames.read(number)) for number in (0, 0, 3, 7, 2)] == [0, 0, 3, 7, 2]
    assert frames.read(1).shape == (*SIZE, 3)


def test_decodes_the_file_once_when_read_in_order(video, monkeypatch):
    opened = []
    original = video_frames.decoded_frames
    monkeypatch.setattr(video_frames, "decoded_frames", lambda path: opened.append(path) or original(path))
    frames = VideoFrames(video)
    for number in (0, 0, 2, 5, 7):
        frames.read(number)
    assert opened == [video]


def test_lists_every_frame_of_a_video_as_unlabelled(video):
    pictures = video_pictures(video)
    assert [number_of(picture.read()) for picture in pictures] == list(range(8))
    assert {(picture.label.tags, picture.label.objects) for picture in pictures} == {(None, None)}


def test_names_the_frame_that_a_video_lacks(video):
    with pytest.raises(DataError, match="ends after 8 frames, but frame 8 is needed"):
        VideoFrames(video).read(8)


@pytest.mark.parametrize("content", [None, b"", b"no video at all"])
def test_names_a_video_that_is_missing_or_broken(tmp_path, content):
    if content is not None:
        (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(DataError, match=r"The video .*clip\.mp4 cannot be read"):
        VideoFrames(tmp_path / "clip.mp4").read(0)


def test_notices_a_video_that_breaks_off(video):
    content = video.read_bytes()
    video.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"clip\.mkv (ends after|is broken at frame)"):
        VideoFrames(video).read(7)
