"""Ed25519 signatures over manifest bytes. Keys travel as 64 hex digits."""

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
