"""Files over HTTP with ranges, through the ASGI layer that sends them."""

import httpx
import pytest
from django.core.files.storage import Storage
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse

from webapp.common import stored_files
from webapp.common.stored_files import HEADER, OBJECT_HEADER, StoredFiles, stored_file

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def client(tmp_path):
    path = tmp_path / "a blob"
    path.write_bytes(CONTENT)

    async def application(scope, receive, send):
        named = {HEADER: str(path).replace(" ", "%20")} if scope["path"] == "/file" else {}
        answer = HttpResponse(b"from the view", headers=named)
        await ASGIHandler.send_response(object.__new__(ASGIHandler), answer, send)  # as Django sends it

    return httpx.AsyncClient(transport=httpx.ASGITransport(StoredFiles(application)), base_url="http://test")


async def test_sends_the_file_that_a_view_names_instead_of_its_body(client):
    answer = await client.get("/file")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, CONTENT, "1024")
    assert HEADER not in answer.headers


async def test_goes_on_from_where_a_download_was_cut(client):
    answer = await client.get("/file", headers={"Range": "bytes=1000-"})
    assert (answer.status_code, answer.content) == (206, CONTENT[1000:])
    assert answer.headers["content-range"] == "bytes 1000-1023/1024"


async def test_refuses_a_range_behind_the_end(client):
    assert (await client.get("/file", headers={"Range": "bytes=5000-"})).status_code == 416


async def test_leaves_every_other_answer_alone(client):
    assert (await client.get("/page")).content == b"from the view"


def test_of_a_store_that_is_no_folder_the_name_is_said(monkeypatch):
    monkeypatch.setattr(stored_files, "default_storage", Storage())
    assert stored_file("blobs/aa/aa11")[OBJECT_HEADER] == "blobs/aa/aa11"
