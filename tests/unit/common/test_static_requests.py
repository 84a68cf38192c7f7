"""Static files, answered before Django is asked."""

import gzip

import httpx
import pytest

from webapp.common.static_requests import StaticRequests

STYLES = b"body { margin: 0 }" * 50


@pytest.fixture
def client(tmp_path, settings):
    settings.STATIC_ROOT, settings.STATIC_URL = str(tmp_path), "/static/"
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = False
    (tmp_path / "page.css").write_bytes(STYLES)
    (tmp_path / "page.css.gz").write_bytes(gzip.compress(STYLES))

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"from Django"})

    return httpx.AsyncClient(transport=httpx.ASGITransport(StaticRequests(application)), base_url="http://test")


async def test_sends_a_collected_file_compressed_to_who_takes_it(client):
    answer = await client.get("/static/page.css", headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (200, STYLES)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/css")
    assert answer.headers["x-content-type-options"] == "nosniff"

    plain = await client.get("/static/page.css", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == STYLES


async def test_says_that_nothing_changed(client):
    known = (await client.get("/static/page.css")).headers["etag"]
    answer = await client.get("/static/page.css", headers={"If-None-Match": known})
    assert (answer.status_code, answer.content) == (304, b"")


async def test_sends_no_body_to_a_look_at_the_head(client):
    answer = await client.head("/static/page.css", headers={"Accept-Encoding": "identity"})
    assert (answer.headers["content-length"], answer.content) == (str(len(STYLES)), b"")


@pytest.mark.parametrize("path", ["/static/none.css", "/static/../secret", "/page.css", "/"])
async def test_passes_everything_else_on(client, path):
    assert (await client.get(path)).content == b"from Django"


async def test_leaves_files_that_change_to_django(client, settings, tmp_path):
    settings.WHITENOISE_AUTOREFRESH = True
    seen = []

    async def application(scope, receive, send):
        seen.append(scope["path"])

    await StaticRequests(application)({"type": "http", "path": "/static/page.css"}, None, None)
    assert seen == ["/static/page.css"]
