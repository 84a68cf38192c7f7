"""Enrolment: a one-time join code becomes an identity on disk."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from edge_runtime.agent.identity import Identity, prepare_state_dir, save_identity
from edge_runtime.agent.server import enrol_at
from edge_runtime.protocol.enrolment import EnrolReply, EnrolRequest, Hardware
from edge_runtime.protocol.errors import GemelError


class ServerAddressError(GemelError):
    code = "server_address"


def server_address(text: str) -> str:
    """`text` without a trailing slash. Raises ServerAddressError unless it is http(s)://host[:port][/path]."""
    try:
        parts = urlsplit(text.strip())
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ServerAddressError(f'"{text}" is no server address. Write it like https://fleet.example.org')
    return text.strip().rstrip("/")


def enrol(
    *,
    server: str,
    code: str,
    state_dir: Path,
    hardware: Hardware,
    send: Callable[[str, EnrolRequest], EnrolReply] = enrol_at,
) -> Identity:
    """Nothing is written unless the server accepts. Raises GemelError with a sentence for a person."""
    address = server_address(server)
    # Before the code is spent: a folder that cannot be written would waste it.
    prepare_state_dir(state_dir)
    reply = send(address, EnrolRequest(code=code.strip(), hardware=hardware))
    identity = Identity(
        server=address,
        box=reply.box,
        name=reply.name,
        credential=reply.credential,
        server_public_key=reply.server_public_key,
    )
    save_identity(state_dir, identity)
    return identity
