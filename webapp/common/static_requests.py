"""Static files answered before Django: which file, in which encoding and whether it changed is WhiteNoise's to say.

As a middleware it costs 3.5 ms of the process a file, most of it for going to a thread and back; a page that is opened
for the first time asks for eleven at once, and the next pages wait for them. They are public and the same for
everybody, so nothing else of the middleware is theirs, except for what says how browsers take them.
"""

from typing import Any

from whitenoise.middleware import WhiteNoiseMiddleware

_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
_ASKED = {b"accept-encoding", b"if-modified-since", b"if-none-match", b"range"}


class StaticRequests:
    """ASGI: answers what asks for a collected file, and passes everything else on to `application`."""

    def __init__(self, application: Any) -> None:
        self._application = application
        found = WhiteNoiseMiddleware(lambda request: None)
        self._files = {} if found.autorefresh else found.files  # where they change, Django looks for them

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if file := self._files.get(scope["path"]):
            await _answer(file.get_response(scope["method"], _environ(scope["headers"])), send)
        else:
            await self._application(scope, receive, send)


async def _answer(answer: Any, send: Any) -> None:
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers]
    await send({"type": "http.response.start", "status": int(answer.status), "headers": [*headers, *_HEADERS]})
    await send({"type": "http.response.body", "body": _content(answer.file)})


def _environ(headers: Any) -> dict[str, str]:
    """As WSGI names them."""
    return {
        "HTTP_" + name.decode().upper().replace("-", "_"): value.decode("latin-1")
        for name, value in headers
        if name in _ASKED
    }


def _content(file: Any) -> bytes:
    """At once: they are few and small, and the system holds them."""
    if file is None:
        return b""
    with file:
        return bytes(file.read())
