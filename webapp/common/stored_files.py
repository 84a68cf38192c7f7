"""Files of the artifact store over HTTP, with ranges: a view decides who may have which, this layer sends it.

Django's own file answer ignores Range, and a download over a bad network must go on where it was cut. From a folder
Starlette sends the file. From a bucket its bytes are passed on as they come (ADR 0018): a box reaches this server and
nothing else, so it cannot be sent to the bucket.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, unquote

from django.core.files.storage import default_storage
from django.http import HttpResponse
from starlette.responses import FileResponse, Response, StreamingResponse

HEADER, OBJECT_HEADER = "X-Stored-File", "X-Stored-Object"
_MEDIA_TYPE = "application/octet-stream"
_PART = 256 * 1024


def stored_file(name: str) -> HttpResponse:
    """An answer whose body `StoredFiles` puts in."""
    try:
        named = {HEADER: quote(default_storage.path(name))}
    except NotImplementedError:
        named = {OBJECT_HEADER: quote(name)}
    return HttpResponse(headers=named, content_type=_MEDIA_TYPE)


class StoredFiles:
    """ASGI: passes everything on to `application`, and sends the file that its answer names instead of its body."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        named: dict[str, str] = {}

        async def look_at(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                for name, value in message["headers"]:
                    named[name.decode().lower()] = unquote(value.decode("latin-1"))  # Django keeps capitals
            if HEADER.lower() not in named and OBJECT_HEADER.lower() not in named:
                await send(message)

        await self._application(scope, receive, look_at)
        if path := named.get(HEADER.lower()):
            await FileResponse(path, media_type=_MEDIA_TYPE)(scope, receive, send)
        elif name := named.get(OBJECT_HEADER.lower()):
            wanted = dict(scope["headers"]).get(b"range", b"").decode("latin-1")
            await (await asyncio.to_thread(_object, name, wanted))(scope, receive, send)


def _object(name: str, wanted: str) -> Response:
    """The bucket understands the very Range that the client sent, so it is the one that answers it."""
    from botocore.exceptions import BotoCoreError, ClientError  # only where the store is a bucket

    storage: Any = default_storage
    found = storage.bucket.Object(storage._normalize_name(name))
    try:
        answer = found.get(Range=wanted) if wanted else found.get()
    except ClientError as error:
        code = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
        return Response(status_code=code if code in (404, 416) else 502)
    except BotoCoreError:
        return Response(status_code=502)
    headers = {"Content-Length": str(answer["ContentLength"]), "Accept-Ranges": "bytes"}
    if "ContentRange" in answer:
        headers["Content-Range"] = answer["ContentRange"]
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return StreamingResponse(_parts(answer["Body"]), status, headers, media_type=_MEDIA_TYPE)


async def _parts(body: Any) -> AsyncIterator[bytes]:
    try:
        while part := await asyncio.to_thread(body.read, _PART):
            yield part
    finally:
        body.close()
