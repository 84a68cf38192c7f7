"""What a box tells on the spot, over real sockets: HTTP, the live WebSocket, and who may ask."""

import asyncio
import json

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from edge_runtime.agent import local_endpoint
from edge_runtime.agent.local_endpoint import ListenError, LocalEndpoint, listening_socket
from edge_runtime.protocol.target import QueryTarget


class View:
    def health(self):
        return {"state": "running"}

    def queries(self):
        return (QueryTarget("cars", "Cars", "s1", "gate", ("car",), 5.0, 400, 0.95),)

    async def picture(self, camera):
        if camera == "secret":
            raise PermissionError(camera)
        return {"gate": b"\xff\xd8jpeg", "dark": None}[camera]


class Box:
    def __init__(self, endpoint, port):
        self.endpoint, self.address = endpoint, f"127.0.0.1:{port}"

    async def get(self, path, **headers):
        async with httpx.AsyncClient(base_url=f"http://{self.address}", trust_env=False) as client:
            return await client.get(path, headers=headers)

    def live(self, **options):
        return connect(f"ws://{self.address}/results/live", proxy=None, **options)


@pytest.fixture
async def box():
    listener = listening_socket("127.0.0.1:0")
    endpoint = LocalEndpoint(View())
    async with endpoint.serving(listener):
        yield Box(endpoint, listener.getsockname()[1])


def line(number):
    return b'{"query":"cars","n":%d}' % number


async def test_answers_what_runs_and_what_was_answered_last(box):
    assert (await box.get("/health")).json() == {"state": "running"}
    assert (await box.get("/queries")).json()["queries"][0]["name"] == "Cars"
    assert (await box.get("/results")).json() == {"results": []}
    for number in range(3):
        box.endpoint.put("cars", line(number))
    box.endpoint.put("removed", line(9))
    await asyncio.sleep(0.01)
    assert (await box.get("/results")).json() == {"results": [{"query": "cars", "n": 2}]}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/cameras/gate/picture", 200),
        ("/cameras/dark/picture", 503),
        ("/cameras/none/picture", 404),
        ("/cameras/secret/picture", 403),
        ("/results/live", 426),
        ("/etc/passwd", 404),
    ],
)
async def test_pictures_and_what_is_not_there(box, path, status):
    answer = await box.get(path)
    assert answer.status_code == status
    if status == 200:
        assert (answer.headers["content-type"], answer.content) == ("image/jpeg", b"\xff\xd8jpeg")
    else:
        assert set(answer.json()) == {"code", "message"}


@pytest.mark.parametrize(
    "headers", [{"Host": "box.evil.example"}, {"Origin": "https://evil.example"}, {"Host": "127.0.0.1.evil.example"}]
)
async def test_a_web_page_that_somebody_visits_reads_nothing(box, headers):
    assert (await box.get("/results", **headers)).status_code == 403


async def test_a_page_of_another_origin_gets_no_live_results(box):
    with pytest.raises(InvalidStatus) as refused:
        async with box.live(origin="https://evil.example"):
            pass
    assert refused.value.response.status_code == 403


async def test_live_results_come_as_they_are_found(box):
    async with box.live() as one, box.live() as other:
        await asyncio.sleep(0.02)
        for number in range(3):
            await asyncio.to_thread(box.endpoint.put, "cars", line(number))
        for client in (one, other):
            assert [json.loads(await client.recv())["n"] for _ in range(3)] == [0, 1, 2]


async def test_a_client_that_does_not_read_loses_lines_and_slows_nobody(box, monkeypatch):
    monkeypatch.setattr(local_endpoint, "LINES_PER_CLIENT", 16)
    padding, lines = b"x" * 100_000, 200  # more than the network itself holds for a client
    async with box.live(max_queue=1) as slow, box.live() as quick:
        await asyncio.sleep(0.02)
        for number in range(lines):
            box.endpoint.put("cars", b'{"n":%d,"padding":"%s"}' % (number, padding))
            assert json.loads(await quick.recv())["n"] == number
        (waiting,) = {len(client.lines) for client in box.endpoint._clients} - {0}
        assert waiting == 16
        received = []
        while not received or received[-1] < lines - 1:
            received.append(json.loads(await slow.recv())["n"])
        assert received == sorted(received)
        assert received[-16:] == list(range(lines - 16, lines))  # the newest were kept
        assert len(received) < lines


async def test_too_many_clients_are_told_so(box, monkeypatch):
    monkeypatch.setattr(local_endpoint, "LIVE_CLIENTS", 1)
    async with box.live():
        await asyncio.sleep(0.02)
        with pytest.raises(InvalidStatus) as refused:
            async with box.live():
                pass
        assert refused.value.response.status_code == 503


def test_a_port_that_is_taken_is_said_in_one_sentence():
    taken = listening_socket("127.0.0.1:0")
    with pytest.raises(ListenError, match="Choose another port"):
        listening_socket(f"127.0.0.1:{taken.getsockname()[1]}")
    taken.close()


@pytest.mark.parametrize("address", ["8090", "127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999", ":8090"])
def test_what_is_no_address_is_said(address):
    with pytest.raises(ListenError, match=r"127\.0\.0\.1:8090"):
        listening_socket(address)
