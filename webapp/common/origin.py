"""Where a request comes from. The middleware gives it to the person who acts; the audit log keeps it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

USER_AGENT_MAX = 200


@dataclass(frozen=True)
class Origin:
    """`address`: an IP address, "" where none is known. `token`: the name of the API token used, "" for a session."""

    address: str
    user_agent: str
    token: str = ""


def origin_of(request: HttpRequest, token: str = "") -> Origin:
    """Behind a proxy the web server has put the client's own address into REMOTE_ADDR (deploy/start-web.sh)."""
    agent = request.headers.get("User-Agent", "")[:USER_AGENT_MAX]
    return Origin(request.META.get("REMOTE_ADDR") or "", "".join(filter(str.isprintable, agent)), token)


class OriginMiddleware:
    """`request.user.origin`, for services that take the person as their `actor`. After the authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if request.user.is_authenticated:
            request.user.origin = origin_of(request)
