"""Cameras that misbehave on a real socket: silent, slow, or sending what is no video, for ever.

with BadCamera(GARBAGE["HTTP"]) as camera:
    av.open(camera.url("http"), ...)
"""

import itertools
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType

_CHUNK = 32 * 1024
_PAUSE_S = 0.01  # some 3 MB/s: faster than any camera, and slow enough for several at once
_HTTP = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n\r\n"

Chunks = Callable[[], Iterator[bytes]]


class BadCamera:
    """Sends every client what `chunks` gives, after its first request; with None it listens and never accepts."""

    def __init__(self, chunks: Chunks | None, *, pause_s: float = _PAUSE_S) -> None:
        self._chunks, self._pause_s = chunks, pause_s
        self._ended = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))

    def url(self, scheme: str) -> str:
        return f"{scheme}://admin:s3cret@127.0.0.1:{self._socket.getsockname()[1]}/live"

    def __enter__(self) -> "BadCamera":
        if self._chunks is not None:
            threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        self._socket.close()

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        assert self._chunks is not None
        with client:
            try:
                client.recv(4096)
                for chunk in self._chunks():
                    if self._ended.is_set():
                        return
                    client.sendall(chunk)
                    time.sleep(self._pause_s)
            except OSError:
                return


def _noise(seed: int = 1) -> Iterator[bytes]:
    chance = random.Random(seed)
    pool = [chance.randbytes(_CHUNK) for _ in range(8)]
    return itertools.cycle(pool)


def _transport_stream() -> Iterator[bytes]:
    """MPEG-TS packets that are whole, with payloads that are nothing."""
    chance = random.Random(2)
    packets = [b"\x47" + chance.randbytes(187) for _ in range(_CHUNK // 188)]
    return itertools.cycle([b"".join(packets)])


def _pictures() -> Iterator[bytes]:
    """Motion JPEG whose pictures are noise."""
    chance = random.Random(3)
    while True:
        picture = b"\xff\xd8" + chance.randbytes(20_000)
        yield b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture)


def _trickle() -> Iterator[bytes]:
    return itertools.cycle([b"H"])


# By what is pretended. All of them never end.
GARBAGE: dict[str, Chunks] = {
    "RTSP": _noise,
    "HTTP": lambda: itertools.chain([_HTTP % b"video/mp4"], _noise()),
    "MPEG-TS": lambda: itertools.chain([_HTTP % b"video/mp2t"], _transport_stream()),
    "MJPEG": lambda: itertools.chain([_HTTP % b"multipart/x-mixed-replace; boundary=x"], _pictures()),
    "endless header": lambda: itertools.chain([b"HTTP/1.1 200 OK\r\nX-Pad: "], itertools.cycle([b"a" * _CHUNK])),
    "slow": _trickle,
    "silent": lambda: iter(_silence()),
}


def _silence() -> Iterator[bytes]:
    while True:
        yield b""
