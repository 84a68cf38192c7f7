"""The way between box and server: cut, away, silent, too narrow; and messages that no box of ours sends."""

import contextlib
import socket
import time
from urllib.parse import urlsplit

import httpx
import msgspec
from django.utils import timezone
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from benchmarks.faults.fault import Outcome, Violated, fault
from benchmarks.faults.fleet import HARDWARE, publish, put_back
from benchmarks.faults.product import BOX, Product
from edge_runtime.protocol.messages import MemorySample, Stats
from webapp.fleets.models import Box
from webapp.fleets.services import box_create, box_enrol, box_revoke
from webapp.telemetry.models import BoxSample

SLOW_CLIENTS = 200


@fault("WebSocket cut")
def websocket_cut(product: Product) -> Outcome:
    product.network.cut()
    return Outcome(product.recovered(), "statistics on their way are sent again, and stored once")


@fault("network away for a minute")
def network_away(product: Product) -> Outcome:
    product.network.refuse()
    time.sleep(product.outage_s)
    product.network.connect()
    return Outcome(product.recovered(), f"away for {product.outage_s:.0f} s")


@fault("network silent for a minute (nothing is cut)")
def network_silent(product: Product) -> Outcome:
    product.network.hold()
    time.sleep(product.outage_s)
    product.network.flow()
    return Outcome(product.recovered(), f"silent for {product.outage_s:.0f} s")


@fault("download cut in the middle, over and over")
def download_cut(product: Product) -> Outcome:
    query, _, _ = publish(product)
    product.network.cut_after, product.network.cuts = 700_000, 0
    product.network.connect()
    took = product.recovered()
    cuts, product.network.cut_after = product.network.cuts, None
    if cuts < 2:
        raise Violated(f"the download was cut {cuts} times only")
    put_back(product, query)
    return Outcome(took, f"went on after each of {cuts} cuts")


@fault("box revoked while connected", bound="what it measured without access")
def box_revoked(product: Product) -> Outcome:
    fleet = product.fleet
    revoked = time.monotonic()
    box_revoke(actor=None, box=fleet.box, now=timezone.now())
    product.until(lambda: not Box.objects.get(id=fleet.box.id).is_connected, 10)
    out = time.monotonic() - revoked
    newest = fleet.newest_sample()
    time.sleep(3)
    if newest is None or fleet.newest_sample() != newest:
        raise Violated("statistics of a revoked box were taken")
    if not product.processes.is_running(BOX):
        raise Violated("the box ended")
    product.processes.stop(BOX)
    fleet.join(product)
    product.processes.start_again(BOX)
    return Outcome(product.recovered(), f"out after {out:.1f} s; its models ran on; back with a new join code")


@fault("statistics replayed")
def statistics_replayed(product: Product) -> Outcome:
    box, credential = _other_box(product)
    message = msgspec.json.encode(_stats()).decode()
    for _ in range(2):
        with _websocket(product, credential) as websocket:
            for _ in range(3):
                websocket.send(message)
                websocket.recv(10)
    stored = BoxSample.objects.filter(box=box).count()
    if stored != 1:
        raise Violated(f"one message was stored {stored} times")
    return Outcome(product.recovered(), "sent six times over two connections, stored once")


@fault("WebSocket messages too large and malformed")
def websocket_garbage(product: Product) -> Outcome:
    _, credential = _other_box(product)
    with _websocket(product, credential) as websocket:
        for wrong in ("", "{", '{"type": "nothing"}', '{"type": "stats"}', "[" * 5000, b"", b"\n", b'{"camera": 1}\n'):
            websocket.send(wrong)
        websocket.send(msgspec.json.encode(_stats(seq=2)).decode())
        websocket.recv(10)  # all the others are survived
    with contextlib.suppress(ConnectionClosed, OSError), _websocket(product, credential) as websocket:
        websocket.send("x" * (2**20 + 1))
        websocket.recv(10)
        raise Violated("a message of more than 1 MiB was answered")
    return Outcome(product.recovered(), "ignored or closed with a code; others do not notice")


@fault("200 clients that send a byte a second")
def slow_clients(product: Product) -> Outcome:
    address = urlsplit(product.url)
    clients = [socket.create_connection((address.hostname, address.port)) for _ in range(SLOW_CLIENTS)]
    try:
        for client in clients:
            client.sendall(b"POST /api/box/enrol HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
        slowest = 0.0
        for byte in range(5):
            for client in clients:
                client.sendall(b"{"[byte:] or b" ")
            started = time.monotonic()
            httpx.get(f"{product.url}/sign-in/", timeout=20.0).raise_for_status()
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(1)
        if product.fleet.sample_age_s() > 10:
            raise Violated("the box was not heard for ten seconds")
    finally:
        for client in clients:
            client.close()
    return Outcome(product.recovered(), f"a page took at most {slowest:.1f} s meanwhile")


def _other_box(product: Product) -> tuple[Box, str]:
    box, code = box_create(actor=None, site=product.fleet.site, name=f"other {time.time_ns()}", now=timezone.now())
    return box_enrol(code=code, hardware=HARDWARE, now=timezone.now()) if box else (box, "")


def _websocket(product: Product, credential: str) -> ClientConnection:
    headers = {"Authorization": f"Bearer {credential}"}
    return connect("ws" + product.url.removeprefix("http") + "/ws/box", additional_headers=headers, max_size=None)


def _stats(seq: int = 1) -> Stats:
    return Stats("boot", seq, time.time(), 1.0, 0, MemorySample(100, 0, 0, 0, 0, 100, 1), ())
