"""What is sent compressed, and what goes as it is."""

import gzip

import pytest
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from webapp.common.compression import TextCompression

CONTENT = b"<p>all of it</p>" * 100


def sent(answer, accepted="gzip"):
    request = RequestFactory().get("/", headers={"Accept-Encoding": accepted})
    return TextCompression(lambda _: answer)(request)


@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "text/csv", "application/json"])
def test_text_is_sent_compressed(kind):
    answer = sent(HttpResponse(CONTENT, content_type=kind))

    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == CONTENT


def test_an_export_is_compressed_as_it_comes():
    answer = sent(StreamingHttpResponse(iter([CONTENT, CONTENT]), content_type="text/csv"))

    assert gzip.decompress(b"".join(answer.streaming_content)) == 2 * CONTENT


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(CONTENT, content_type="image/jpeg"),
        HttpResponse(CONTENT, content_type="application/octet-stream"),
        HttpResponse(CONTENT, content_type="application/json", headers={"ETag": '"digest"'}),
    ],
)
def test_pictures_and_what_is_named_by_its_bytes_go_as_they_are(answer):
    found = sent(answer)

    assert found.content == CONTENT
    assert not found.has_header("Content-Encoding")
    assert found.headers.get("ETag", '"digest"') == '"digest"'


def test_nothing_is_compressed_for_those_who_do_not_ask():
    assert sent(HttpResponse(CONTENT), accepted="identity").content == CONTENT
