"""The server's answers, good and bad, in the words that the rest of the box uses."""

import stat

import httpx
import msgspec
import pytest

from edge_runtime.agent.enrolment import ServerAddressError, enrol, server_address
from edge_runtime.agent.identity import Identity, NotEnrolled, StateFolderError, load_identity
from edge_runtime.agent.link import websocket_address
from edge_runtime.agent.recall import Recall, load_recall, save_recall
from edge_runtime.agent.server import NotAuthorised, ServerApi, ServerRefused, ServerUnavailable, enrol_at
from edge_runtime.protocol.enrolment import EnrolReply, EnrolRequest, Hardware
from edge_runtime.protocol.errors import ProtocolError
from edge_runtime.protocol.target import TargetState
from edge_runtime.protocol.version import HEADER, SPOKEN, VersionsApart

IDENTITY = Identity("https://fleet.example", "box-1", "Depot", "secret", "ab" * 32)
HARDWARE = Hardware("h", "Linux", 2, 2**30, "cpu", "A CPU", "0.1.0")
REPLY = EnrolReply(box="box-1", name="Depot", credential="secret", server_public_key="ab" * 32)


def api_answering(*responses):
    """An API whose server gives these responses in turn; `api.requests` is what it got."""
    waiting, requests = list(responses), []

    def answer(request):
        requests.append(request)
        return waiting.pop(0)

    api = ServerApi(IDENTITY, transport=httpx.MockTransport(answer))
    api.requests = requests
    return api


async def test_asks_with_the_etag_and_takes_not_modified_for_an_answer():
    target = TargetState(box="box-1", bundle=None)
    api = api_answering(
        httpx.Response(200, content=msgspec.json.encode(target), headers={"ETag": '"1"'}), httpx.Response(304)
    )
    assert await api.target() == target
    assert await api.target() is None
    first, second = api.requests
    assert first.headers["Authorization"] == "Bearer secret"
    assert "If-None-Match" not in first.headers
    assert second.headers["If-None-Match"] == '"1"'


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (httpx.Response(401, json={"code": "credential", "message": "Not known."}), NotAuthorised, "Not known."),
        (httpx.Response(404, json={"code": "gone", "message": "No such blob."}), ServerRefused, "No such blob."),
        (httpx.Response(404, text="<html>"), ServerRefused, "status 404"),
        (httpx.Response(502, text="<html>"), ServerUnavailable, "502"),
        (httpx.Response(200, text="<html>"), ProtocolError, "cannot be read"),
        (httpx.Response(200, json={}, headers={HEADER: "7-8"}), VersionsApart, "update the box"),
        (httpx.Response(426, json={"code": "protocol_version", "message": "Old."}), ServerRefused, "Old."),
    ],
)
async def test_bad_answers_become_sentences(response, kind, words):
    with pytest.raises(kind, match=words):
        await api_answering(response).target()


async def test_says_which_versions_it_speaks():
    api = api_answering(httpx.Response(304))
    await api.target()
    assert api.requests[0].headers[HEADER] == str(SPOKEN)


async def test_a_broken_connection_is_worth_another_try():
    def refuse(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(ServerUnavailable) as caught:
        await ServerApi(IDENTITY, transport=httpx.MockTransport(refuse)).target()
    assert caught.value.is_retryable


def test_enrolment_passes_the_servers_sentence_on():
    answer = httpx.Response(400, json={"code": "join_code", "message": "This join code has expired."})
    with pytest.raises(ServerRefused, match=r"^This join code has expired\.$"):
        enrol_at("http://x", EnrolRequest("c", HARDWARE), transport=httpx.MockTransport(lambda request: answer))


def test_enrolment_keeps_the_credential_for_its_user_alone(tmp_path):
    folder = tmp_path / "state"
    enrol(server="http://x/", code=" c ", state_dir=folder, hardware=HARDWARE, send=lambda server, request: REPLY)
    assert load_identity(folder) == Identity("http://x", "box-1", "Depot", "secret", "ab" * 32)
    assert stat.S_IMODE((folder / "identity.json").stat().st_mode) == 0o600


def test_a_refused_enrolment_leaves_nothing_behind(tmp_path):
    def refuse(server, request):
        raise ServerRefused("join_code", "No.")

    with pytest.raises(ServerRefused):
        enrol(server="http://x", code="c", state_dir=tmp_path, hardware=HARDWARE, send=refuse)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_found_before_the_code_is_spent(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(StateFolderError, match="--state-dir"):
        enrol(server="http://x", code="c", state_dir=blocked, hardware=HARDWARE, send=None)


def test_a_box_that_never_enrolled_is_told_how(tmp_path):
    with pytest.raises(NotEnrolled, match="gemel-edge enrol"):
        load_identity(tmp_path)


@pytest.mark.parametrize("text", ["fleet.example", "ftp://x", "http://", "http://x:notaport", ""])
def test_an_address_that_is_none_is_refused(text):
    with pytest.raises(ServerAddressError, match="https://"):
        server_address(text)


def test_the_websocket_lies_beside_the_api():
    assert websocket_address("https://fleet.example") == "wss://fleet.example/ws/box"
    assert websocket_address("http://127.0.0.1:8000") == "ws://127.0.0.1:8000/ws/box"


def test_what_is_remembered_survives_and_damage_is_no_memory(tmp_path):
    recall = Recall(TargetState(box="b", bundle=None), "d", ())
    save_recall(tmp_path, recall)
    assert load_recall(tmp_path) == recall
    assert stat.S_IMODE((tmp_path / "recall.json").stat().st_mode) == 0o600
    (tmp_path / "recall.json").write_bytes(b"\0")
    assert load_recall(tmp_path) == Recall()
