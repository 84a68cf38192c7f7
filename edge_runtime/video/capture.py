"""Opening a video source with PyAV and reading pictures from it. No threads, no pacing, no retrying: see reader.

A `Picture` is cheap until its `load` is called, so that frames nobody wants are never converted to RGB.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import av
import numpy as np
from av.codec.hwaccel import HWAccel

from edge_runtime.protocol.sources import SourceKind, is_paced, redact_source, source_kind
from edge_runtime.video.problems import CaptureError, broken_off, capture_problem

NETWORK_TIMEOUT_S = 5
# A source may send data for ever that is no video; nobody waits longer than this for one picture of it.
NO_PICTURE_S = 10.0
_BAD_PACKETS_IN_A_ROW = 50


@dataclass(frozen=True)
class Content:
    """`image`: (H, W, 3) uint8 RGB. Ground truth where the source knows it, else None."""

    image: np.ndarray
    objects: tuple | None = None
    tags: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Picture:
    """`seconds` since the source's start; None where it gives no time stamps. `is_key`: it needs no earlier picture."""

    seconds: float | None
    load: Callable[[], Content]
    is_key: bool = True


class Capture(Protocol):
    """An open source. `is_live`: its end is a disconnect, and it sets the pace; else it is looped, and played to its
    time stamps where `is_paced`, else as fast as it is read.
    """

    codec: str
    width: int
    height: int
    rate_fps: float
    is_live: bool
    is_paced: bool

    def pictures(self) -> Iterator[Picture]: ...

    def hurry(self, is_behind: bool) -> None:
        """While `is_behind`, give only key pictures: many times quicker than all of them."""

    def close(self) -> None: ...


class AvCapture:
    """RTSP, HTTP, a file or a V4L2 device. Raises CaptureError, on opening and on reading."""

    def __init__(self, source: str, *, media_root: Path | None = None, hwaccel: HWAccel | None = None) -> None:
        self._source = source
        kind = source_kind(source)
        url, options, container_format = _open_arguments(source, kind, media_root)
        timeout = (2.0 * NETWORK_TIMEOUT_S, 2.0 * NETWORK_TIMEOUT_S)
        try:
            self._container = av.open(url, format=container_format, options=options, timeout=timeout, hwaccel=hwaccel)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise CaptureError(capture_problem(error, source)) from error
        if not self._container.streams.video:
            self.close()
            raise CaptureError(f"{redact_source(source)} holds no video. Choose another source.")
        self._stream = self._container.streams.video[0]
        context = self._stream.codec_context
        self.codec, self.width, self.height = context.name, context.width, context.height
        self.rate_fps = float(self._stream.average_rate or self._stream.guessed_rate or 0)
        # A film served over HTTP has a length and arrives faster than it plays; a camera has none.
        is_film = kind is SourceKind.FILE or (kind is SourceKind.HTTP and self._container.duration is not None)
        self.is_live = not is_film
        self.is_paced = is_paced(source)

    def pictures(self) -> Iterator[Picture]:
        count, picture_at = 0, time.monotonic()
        try:
            for frame in self._frames():
                if frame is not None:
                    self.width, self.height = frame.width, frame.height
                    yield Picture(frame.time, _loader(frame), bool(frame.key_frame))
                    count, picture_at = count + 1, time.monotonic()
                elif time.monotonic() - picture_at > NO_PICTURE_S:
                    raise CaptureError(f"{redact_source(self._source)} sends data without pictures. Check what it is.")
        except (av.FFmpegError, OSError) as error:
            if count and isinstance(error, av.InvalidDataError):
                raise CaptureError(broken_off(self._source)) from error
            raise CaptureError(capture_problem(error, self._source)) from error

    def hurry(self, is_behind: bool) -> None:
        self._stream.codec_context.skip_frame = "NONKEY" if is_behind else "DEFAULT"

    def _frames(self) -> Iterator[av.VideoFrame | None]:
        """Decoded pictures, and None for every packet that gave none, so that the caller sees time go by."""
        bad_packets = 0
        for packet in self._container.demux(self._stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                # One lost packet spoils a few pictures; the stream goes on.
                bad_packets += 1
                if bad_packets >= _BAD_PACKETS_IN_A_ROW:
                    raise
                yield None
                continue
            bad_packets = bad_packets if packet.size == 0 else 0
            yield from frames or (None,)
        if bad_packets and not self.is_live:
            raise av.InvalidDataError(0, "the film ends in packets that cannot be decoded")

    def close(self) -> None:
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()


def file_path(source: str) -> Path:
    """The path that a file:// address or a plain path names."""
    source = source.strip()
    return Path(unquote(urlsplit(source).path) if source.startswith("file:") else source)


def _open_arguments(source: str, kind: SourceKind, media_root: Path | None) -> tuple[str, dict[str, str], str | None]:
    if kind is SourceKind.RTSP:
        # `timeout` is in microseconds; without it a stalled camera hangs for ever. A short analysis opens in 0.24 s
        # instead of 0.9 s.
        return source.strip(), _network_options() | {"rtsp_transport": "tcp", "analyzeduration": "100000"}, None
    if kind is SourceKind.HTTP:
        return source.strip(), _network_options(), None
    if kind is SourceKind.V4L2:
        return source.strip().removeprefix("v4l2://"), {}, "v4l2"
    path = file_path(source)
    if media_root is not None and not path.resolve().is_relative_to(media_root.resolve()):
        raise CaptureError(f"This box only plays files below {media_root}; {path} is not one of them.")
    if not path.is_file():
        raise CaptureError(f"There is no file {path} on the box. Check the path.")
    # The prefix keeps a name with a colon from being read as another protocol.
    return f"file:{path}", {}, None


def _network_options() -> dict[str, str]:
    return {"timeout": str(NETWORK_TIMEOUT_S * 1_000_000), "probesize": "200000"}


def _loader(frame: av.VideoFrame) -> Callable[[], Content]:
    return lambda: Content(frame.to_ndarray(format="rgb24"))
