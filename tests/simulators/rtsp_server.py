"""A small RTSP camera: loops H.264 films to every client, TCP-interleaved, on loopback (RFC 2326, RFC 6184).

with RtspServer(film) as server:
    av.open(server.url, ...)
    server.kill()      # connections drop, as when the power goes
    server.start()     # back on the same port
"""

import asyncio
import base64
import contextlib
import random
import struct
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import av

_MAX_PAYLOAD = 1400
_CLOCK_HZ = 90_000
_SPS, _PPS, _FU_A = 7, 8, 28


class RtspServer:
    """Several films are played one after the other in one stream; a change of size then comes as from a camera."""

    def __init__(self, *films: Path) -> None:
        self._film = _Film(films)
        self._port = 0
        self._is_stalled, self._is_garbled = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self._port}/live"

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(5):
            raise TimeoutError("the RTSP server did not start")

    def kill(self) -> None:
        """Drop every connection and stop listening."""
        if self._thread:
            self._loop.call_soon_threadsafe(self._ended.set)
            self._thread.join(5)
            self._thread = None

    def stall(self) -> None:
        """Keep the connections but send nothing more."""
        self._is_stalled.set()

    def resume(self) -> None:
        """Go on where the stall began, and send at once what was due meanwhile."""
        self._is_stalled.clear()

    def garble(self) -> None:
        """From now on every packet holds noise."""
        self._is_garbled.set()

    def __enter__(self) -> "RtspServer":
        self.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        clients: set[asyncio.Task] = set()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            clients.add(asyncio.current_task())
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await _Session(reader, writer, self._film, (self._is_stalled, self._is_garbled)).run()

        server = await asyncio.start_server(accept, "127.0.0.1", self._port)
        self._port = server.sockets[0].getsockname()[1]
        ready.set()
        await self._ended.wait()
        server.close()
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)


class _Film:
    """`pictures`: (seconds, NAL units) of every picture, and the parameter sets that the description needs."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.pictures: list[tuple[float, list[bytes]]] = []
        self.frame_s = 0.0
        for path in paths:
            start = self.pictures[-1][0] + self.frame_s if self.pictures else 0.0
            with av.open(str(path)) as container:
                stream = container.streams.video[0]
                self.frame_s = 1 / float(stream.average_rate)
                to_annexb = av.BitStreamFilterContext("h264_mp4toannexb", stream)
                for packet in container.demux(stream):
                    for part in to_annexb.filter(packet if packet.size else None):
                        self.pictures.append((start + float(part.pts * part.time_base), _nal_units(bytes(part))))
        units = [unit for _, pictures in self.pictures for unit in pictures]
        self.parameters = [next(unit for unit in units if unit[0] & 31 == kind) for kind in (_SPS, _PPS)]

    def description(self) -> str:
        parameters = ",".join(base64.b64encode(unit).decode() for unit in self.parameters)
        lines = [
            "v=0",
            "o=- 0 0 IN IP4 127.0.0.1",
            "s=test",
            "t=0 0",
            "m=video 0 RTP/AVP 96",
            "a=rtpmap:96 H264/90000",
            f"a=fmtp:96 packetization-mode=1;sprop-parameter-sets={parameters}",
            "a=control:track0",
        ]
        return "\r\n".join(lines) + "\r\n"


class _Session:
    """One client: answers requests, plays the film in a task beside."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        film: _Film,
        faults: tuple[threading.Event, threading.Event],
    ) -> None:
        self._reader, self._writer, self._film = reader, writer, film
        self._stalled, self._garbled = faults
        self._playing: asyncio.Task | None = None

    async def run(self) -> None:
        try:
            while line := await self._reader.readline():
                if line[:1] == b"$":
                    await self._skip_interleaved(line)
                elif line.strip():
                    verb = line.decode().split()[0]
                    self._answer(verb, await self._headers())
                    if verb == "TEARDOWN":
                        break
        finally:
            if self._playing:
                self._playing.cancel()
            self._writer.transport.abort()

    async def _skip_interleaved(self, start: bytes) -> None:
        """The client's RTCP reports come as `$`, channel, 16-bit length, payload; `start` may hold part of that."""
        start += await self._reader.readexactly(max(0, 4 - len(start)))
        left = struct.unpack(">H", start[2:4])[0] + 4 - len(start)
        await self._reader.readexactly(max(0, left))

    async def _headers(self) -> dict[str, str]:
        headers = {}
        while line := (await self._reader.readline()).decode().strip():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        return headers

    def _answer(self, verb: str, headers: dict[str, str]) -> None:
        status, extra, body = "200 OK", "", ""
        if verb == "OPTIONS":
            extra = "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER\r\n"
        elif verb == "DESCRIBE":
            body = self._film.description()
            extra = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif verb == "SETUP" and "TCP" not in headers.get("transport", ""):
            status = "461 Unsupported Transport"
        elif verb == "SETUP":
            extra = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        elif verb == "PLAY" and self._playing is None:
            self._playing = asyncio.create_task(self._play())
        self._writer.write(f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\nSession: 1\r\n{extra}\r\n{body}".encode())

    async def _play(self) -> None:
        sequence, started, loop_start = 0, time.monotonic(), 0.0
        while True:
            for seconds, units in self._film.pictures:
                due = loop_start + seconds
                await asyncio.sleep(max(0.0, started + due - time.monotonic()))
                while self._stalled.is_set():
                    await asyncio.sleep(0.05)
                payloads = [part for unit in units for part in _payloads(unit)]
                if self._garbled.is_set():
                    payloads = [random.randbytes(len(payload)) for payload in payloads]
                for position, payload in enumerate(payloads):
                    marker = (position == len(payloads) - 1) << 7
                    stamp = int(due * _CLOCK_HZ) & 0xFFFFFFFF
                    header = struct.pack(">BBHII", 0x80, 96 | marker, sequence & 0xFFFF, stamp, 0xFEA5)
                    self._writer.write(b"$\0" + struct.pack(">H", len(header) + len(payload)) + header + payload)
                    sequence += 1
                await self._writer.drain()
            loop_start += self._film.pictures[-1][0] + self._film.frame_s


def _nal_units(stream: bytes) -> list[bytes]:
    parts = stream.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1")
    return [part for part in (part.lstrip(b"\0") for part in parts) if part]


def _payloads(unit: bytes) -> list[bytes]:
    """The unit itself, or its FU-A fragments where it is longer than a packet (RFC 6184, 5.8)."""
    if len(unit) <= _MAX_PAYLOAD:
        return [unit]
    step = _MAX_PAYLOAD - 2
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 31
    return [
        bytes([indicator, (start == 1) << 7 | (start + step >= len(unit)) << 6 | kind]) + unit[start : start + step]
        for start in range(1, len(unit), step)
    ]
