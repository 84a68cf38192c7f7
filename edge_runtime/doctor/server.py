"""Whether the fleet's server can be reached and knows this box: name, connection, TLS, answer, clock, credential."""

import socket
import ssl
import time
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from edge_runtime.agent.identity import Identity
from edge_runtime.doctor.findings import Finding, error, ok, warning

ABOUT = "Server"
TIMEOUT_S = 10.0
CLOCK_SKEW_S = 30.0
_SERVER_ADVICE = "Look at the server's log, and whether a proxy in front of it is well."


def check_server(identity: Identity, *, now: Callable[[], float] = time.time) -> Iterator[Finding]:
    host = urlsplit(identity.server).hostname or ""
    try:
        socket.getaddrinfo(host, None)
    except OSError as trouble:
        yield error(
            ABOUT, f"The name {host} cannot be resolved ({trouble}).", "Check the box's network and its DNS server."
        )
        return
    headers = {"Authorization": f"Bearer {identity.credential}"}
    try:
        answer = httpx.get(f"{identity.server}/api/box/target", headers=headers, timeout=TIMEOUT_S)
    except httpx.HTTPError as trouble:
        yield _unreachable(identity.server, trouble)
        return
    yield from _check_clock(answer, now())
    yield _judged(identity, answer)


def _unreachable(server: str, trouble: httpx.HTTPError) -> Finding:
    if _is_tls(trouble):
        return error(
            ABOUT,
            f"The connection to {server} is not secure ({trouble}).",
            "Check the box's clock, the server's certificate, and that its authority is known on this machine.",
        )
    if isinstance(trouble, httpx.TimeoutException):
        return error(
            ABOUT,
            f"{server} does not answer within {TIMEOUT_S:.0f} s.",
            "Check that the server runs and that no firewall drops the connection.",
        )
    return error(
        ABOUT, f"{server} cannot be reached ({trouble}).", "Check that the server runs, its port, and the network."
    )


def _is_tls(trouble: BaseException | None) -> bool:
    while trouble is not None:
        if isinstance(trouble, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(trouble):
            return True
        trouble = trouble.__cause__ or trouble.__context__
    return False


def _check_clock(answer: httpx.Response, now: float) -> Iterator[Finding]:
    try:
        skew_s = now - parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return
    if abs(skew_s) > CLOCK_SKEW_S:
        direction = "ahead of" if skew_s > 0 else "behind"
        yield warning(
            "Clock",
            f"This machine's clock is {abs(skew_s):.0f} s {direction} the server's.",
            "Turn time synchronisation on (timedatectl set-ntp true): times of results and pictures are wrong.",
        )
    else:
        yield ok("Clock", "It agrees with the server's.")


def _judged(identity: Identity, answer: httpx.Response) -> Finding:
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return error(
            "Credential",
            f"{identity.server} does not accept this box's credential.",
            "The box was revoked or joined again elsewhere: make a join code on its page and run gemel-edge enrol.",
        )
    if answer.status_code >= 500:
        return error(ABOUT, f"{identity.server} has a problem (status {answer.status_code}).", _SERVER_ADVICE)
    if answer.status_code != httpx.codes.OK or "json" not in answer.headers.get("content-type", ""):
        return error(
            ABOUT,
            f"{identity.server} answers, but not like a Gemel Fleet server (status {answer.status_code}).",
            "Check the address; if it has moved, enrol the box again.",
        )
    return ok(ABOUT, f"{identity.server} answers and accepts this box.")
