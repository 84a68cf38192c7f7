"""Ed25519 signatures over manifest bytes, and how a box follows the server to a new key. Keys: 64 hex digits."""

from collections.abc import Iterable

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from edge_runtime.protocol.errors import ProtocolError


class SignatureError(ProtocolError):
    code = "signature"


def private_key_new() -> str:
    return Ed25519PrivateKey.generate().private_bytes_raw().hex()


def public_key_of(private_key: str) -> str:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private_key)).public_key().public_bytes_raw().hex()


def sign(content: bytes, private_key: str) -> str:
    return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private_key)).sign(content).hex()


def verify(content: bytes, signature: str, public_key: str) -> None:
    """Raises SignatureError unless `signature` is `public_key`'s over exactly `content`."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), content)
    except (InvalidSignature, ValueError) as error:
        raise SignatureError("The signature of the bundle does not fit this server's key.") from error


class KeyRotation(msgspec.Struct, frozen=True):
    """The owner of `old` says that `new` counts from now on. Public keys; `signature` is by `old`'s private key."""

    old: str
    new: str
    signature: str


def rotation(old_private_key: str, new_public_key: str) -> KeyRotation:
    old = public_key_of(old_private_key)
    return KeyRotation(old, new_public_key, sign(_statement(old, new_public_key), old_private_key))


def newest_key(pinned: str, rotations: Iterable[KeyRotation]) -> str:
    """The key that `rotations`, in any order, lead to from `pinned`. Raises SignatureError for one that is forged."""
    by_old = {step.old: step for step in rotations}
    while (step := by_old.pop(pinned, None)) is not None:
        verify(_statement(step.old, step.new), step.signature, pinned)
        pinned = step.new
    return pinned


def _statement(old: str, new: str) -> bytes:
    return f"gemel key rotation from {old} to {new}".encode()
