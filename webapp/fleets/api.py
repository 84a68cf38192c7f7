"""The box's HTTP API: how every endpoint authenticates and answers, enrolment, and answers to camera probes."""

import functools
import logging
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from edge_runtime.protocol.enrolment import CredentialReply, EnrolReply, EnrolRequest
from edge_runtime.protocol.errors import UNREADABLE, GemelError
from edge_runtime.protocol.messages import ProbeResult
from edge_runtime.protocol.signing import public_key_of
from edge_runtime.protocol.version import HEADER as PROTOCOL_HEADER
from edge_runtime.protocol.version import SPOKEN, VersionsApart, agreed, versions_from
from webapp.common.errors import InvalidInput, NotFound, as_expected
from webapp.common.origin import origin_of
from webapp.common.signing_key import signing_key
from webapp.fleets.models import Box, Camera
from webapp.fleets.selectors import box_by_credential
from webapp.fleets.services import box_enrol, camera_probe_record, credential_issue, credential_used

PICTURE_MAX_BYTES = 4 * 2**20
logger = logging.getLogger(__name__)
View = Callable[..., HttpResponse]
T = TypeVar("T")


class CredentialRefused(GemelError):
    code = "credential_refused"
    status = 401


def json_response(content: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(content), content_type="application/json", status=status)


def decoded(content: bytes | str, kind: type[T]) -> T:
    """Raises InvalidInput."""
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE as error:
        raise InvalidInput(f"The request cannot be read: {error}.") from error


def open_endpoint(method: str) -> Callable[[View], View]:
    """A view without session and CSRF token, for `method` only, whose GemelErrors become {"code", "message"}."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def endpoint(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            answer = answered(request, *args, **kwargs)
            answer.headers[PROTOCOL_HEADER] = str(SPOKEN)
            return answer

        def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method != method:
                return _refusal("method", f"Only {method} is answered here.", 405)
            try:
                require_spoken(request.headers.get(PROTOCOL_HEADER, ""))
                return view(request, *args, **kwargs)
            except Exception as error:
                expected = as_expected(error)
                if expected is None:
                    raise
                return _refusal(expected.code, str(expected), getattr(expected, "status", 400))

        return login_not_required(csrf_exempt(endpoint))

    return decorate


def require_spoken(header: str) -> None:
    """Raises VersionsApart for a box of a version that this server does not know any more, or not yet."""
    try:
        agreed(box=versions_from(header), server=SPOKEN)
    except VersionsApart as error:
        logger.warning("A box is refused. %s", error)
        raise


def box_endpoint(method: str) -> Callable[[View], View]:
    """As open_endpoint, for enrolled boxes only: the view gets the Box after the request."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def authenticated(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            return view(request, box_of_header(request.headers.get("Authorization", "")), *args, **kwargs)

        return open_endpoint(method)(authenticated)

    return decorate


def box_of_header(authorization: str) -> Box:
    """The box of an Authorization header. Raises CredentialRefused."""
    scheme, _, credential = authorization.partition(" ")
    credential = credential.strip()
    box = box_by_credential(credential) if scheme.lower() == "bearer" else None
    if box is None:
        raise CredentialRefused("The server does not know this credential: enrol the box again with a new join code.")
    credential_used(box=box, credential=credential, now=timezone.now())
    return box


@open_endpoint("POST")
def enrol(request: HttpRequest) -> HttpResponse:
    wanted = decoded(request.body, EnrolRequest)
    origin = origin_of(request)
    box, credential = box_enrol(code=wanted.code, hardware=wanted.hardware, now=timezone.now(), origin=origin)
    key = public_key_of(signing_key())
    return json_response(EnrolReply(box=str(box.id), name=box.name, credential=credential, server_public_key=key))


@box_endpoint("POST")
def credential(request: HttpRequest, box: Box) -> HttpResponse:
    """A new credential for the box; the one it has works until this one was used."""
    return json_response(CredentialReply(credential_issue(box=box, now=timezone.now(), origin=origin_of(request))))


@box_endpoint("POST")
def probe(request: HttpRequest, box: Box, camera_id: UUID) -> HttpResponse:
    camera = Camera.objects.filter(id=camera_id, box=box).select_related("box").first()
    if camera is None:
        raise NotFound("This box has no such camera.")
    result = decoded(request.POST.get("probe", ""), ProbeResult)
    camera_probe_record(camera=camera, probe=result, picture=sent_picture(request), now=timezone.now())
    return HttpResponse(status=204)


def sent_picture(request: HttpRequest) -> bytes | None:
    """The JPEG part `picture`, None where there is none. Raises InvalidInput before a large one is read."""
    picture = request.FILES.get("picture")
    if picture is None:
        return None
    if picture.size > PICTURE_MAX_BYTES:
        raise InvalidInput("The picture has more than 4 MiB.", field="picture")
    return jpeg(picture.read())


def jpeg(content: bytes) -> bytes:
    """`content` if it starts like a JPEG. Raises InvalidInput: pages would serve anything else as a picture."""
    if not content.startswith(b"\xff\xd8"):
        raise InvalidInput("The picture is no JPEG.", field="picture")
    return content


def _refusal(code: str, message: str, status: int) -> HttpResponse:
    return json_response({"code": code, "message": message}, status)
