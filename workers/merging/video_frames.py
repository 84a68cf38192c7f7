"""The frames of a video file by number, for labels that count decoded frames from 0."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np

from edge_runtime.protocol.messages import FrameLabel
from workers.merging.pictures import DataError, Picture


class VideoFrames:
    """Holds one decoded frame: reading in order of number decodes the file once; going back starts it again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decoded: Iterator[av.VideoFrame] = iter(())
        self._frame: av.VideoFrame | None = None
        self._number = -1

    def read(self, number: int) -> np.ndarray:
        """(H, W, 3) uint8 RGB. Raises DataError where the file breaks off or ends before."""
        if self._frame is None or number < self._number:
            self._decoded, self._number = decoded_frames(self._path), -1
        while self._number < number:
            frame = next(self._decoded, None)
            if frame is None:
                raise DataError(
                    f"The video {self._path} ends after {self._number + 1} frames, but frame {number} is needed; "
                    "it is cut off, or its labels belong to another video."
                )
            self._frame, self._number = frame, self._number + 1
        assert self._frame is not None
        return self._frame.to_ndarray(format="rgb24")


def video_pictures(path: Path) -> list[Picture]:
    """Every frame, without labels. Raises DataError."""
    video = VideoFrames(path)
    return [
        Picture(FrameLabel(f"{path.name}, frame {number}", float(number)), partial(video.read, number))
        for number in range(count_frames(path))
    ]


def count_frames(path: Path) -> int:
    """By decoding: what a container says of itself is wrong for cut and edited files. Raises DataError."""
    return sum(1 for _ in decoded_frames(path))


def decoded_frames(path: Path) -> Iterator[av.VideoFrame]:
    """In order. Raises DataError, naming the file, where it cannot be opened or a frame cannot be decoded."""
    number = 0
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError(f"{path} holds no video.")
            for frame in container.decode(video=0):
                yield frame
                number += 1
    except (av.error.FFmpegError, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        where = f"is broken at frame {number}" if number else "cannot be read"
        raise DataError(f"The video {path} {where}: {reason}.") from error
