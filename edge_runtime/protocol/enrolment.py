"""How a box becomes known to the server: POST /api/box/enrol."""

import msgspec


class Hardware(msgspec.Struct, frozen=True):
    """What the box runs on, as shown on its page. `compute` is a torch device type, "cpu" or "cuda"."""

    hostname: str
    platform: str
    cpu_cores: int
    memory_bytes: int
    compute: str
    compute_name: str
    runtime_version: str


class EnrolRequest(msgspec.Struct, frozen=True):
    code: str
    hardware: Hardware


class CredentialReply(msgspec.Struct, frozen=True):
    """POST /api/box/credential: a new credential. The old one works until this one is first used."""

    credential: str


class EnrolReply(msgspec.Struct, frozen=True):
    """`credential` is sent as `Authorization: Bearer ...` from then on and is never shown again.

    `server_public_key` (Ed25519, hex) verifies every manifest.
    """

    box: str
    name: str
    credential: str
    server_public_key: str
