"""Files of the artifact store over HTTP, with ranges: a view decides who may have which, Starlette sends it.

Django's own file answer ignores Range, and a download over a bad network must go on where it was cut.
"""

from typing import Any
from urllib.parse import quote, unquote

from django.core.files.storage import default_storage
from django.http import HttpResponse, HttpResponseRedirect
from starlette.responses import FileResponse

HEADER = "X-Stored-File"
_RAW = HEADER.lower().encode()


def stored_file(name: str) -> HttpResponse:
    """An answer whose body `StoredFiles` puts in; from a store that is no folder, the way to that store."""
    try:
        path = default_storage.path(name)
    except NotImplementedError:
        return HttpResponseRedirect(default_storage.url(name))
    return HttpResponse(headers={HEADER: quote(path)}, content_type="application/octet-stream")


class StoredFiles:
    """ASGI: passes everything on to `application`, and sends the file that its answer names instead of its body."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = ""

        async def look_at(message: dict[str, Any]) -> None:
            nonlocal path
            if message["type"] == "http.response.start":
                named = [value for name, value in message["headers"] if name.lower() == _RAW]  # Django keeps capitals
                path = unquote(named[0].decode()) if named else ""
            if not path:
                await send(message)

        await self._application(scope, receive, look_at)
        if path:
            await FileResponse(path, media_type="application/octet-stream")(scope, receive, send)
