"""The manifest of a bundle: which models a box runs and which tensors they are made of.

A tensor is a content-addressed blob: raw little-endian bytes, C-contiguous, named by the SHA-256 of those bytes
(64 hex digits). Two models that share a layer name the same digest, so it is stored, sent and held once.
The signature covers the exact manifest bytes; `manifest_digest` is their SHA-256 and is what a box reports.
"""

import hashlib
import math

import msgspec

from edge_runtime.protocol.errors import UNREADABLE, ProtocolError

FORMAT = 1
DTYPE_BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "uint8": 1, "bool": 1}


class TensorEntry(msgspec.Struct, frozen=True):
    """One parameter or buffer. `digest` names its blob; `dtype` is a key of DTYPE_BYTES."""

    digest: str
    dtype: str
    shape: tuple[int, ...]

    @property
    def size_bytes(self) -> int:
        return math.prod(self.shape) * DTYPE_BYTES[self.dtype]


class ModelEntry(msgspec.Struct, frozen=True):
    """One slot of the bundle: a network, what goes in, what comes out, and its tensors by state-dict name.

    `original_tensors` is None where the slot runs the original itself; otherwise the original's tensors, kept on
    disk outside the memory budget to measure agreement. `merged_group` names the approved group the tensors came from.
    """

    slot: str
    task: str
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]
    tensors: dict[str, TensorEntry]
    original_tensors: dict[str, TensorEntry] | None = None
    merged_group: str | None = None


class Manifest(msgspec.Struct, frozen=True):
    """What a box runs. `version` only grows for one box; `box` guards against replay on another one."""

    box: str
    version: int
    models: tuple[ModelEntry, ...]
    created_at: str
    format: int = FORMAT


class SignedManifest(msgspec.Struct, frozen=True):
    """Exact manifest bytes (as JSON text) with an Ed25519 signature over them, hex. Unsigned: signature "" ."""

    manifest: str
    signature: str


def encode_manifest(manifest: Manifest) -> bytes:
    """Canonical JSON: equal manifests give equal bytes."""
    return msgspec.json.encode(manifest, order="sorted")


def decode_manifest(content: bytes) -> Manifest:
    """Raises ProtocolError when `content` is no manifest of a format that this version reads."""
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except UNREADABLE as error:
        raise ProtocolError(f"The manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise ProtocolError(f"The manifest has format {manifest.format}; this version reads {FORMAT}.")
    return manifest


def sha256_hex(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def distinct_tensors(*tensor_maps: dict[str, TensorEntry]) -> dict[str, TensorEntry]:
    """Every different tensor by digest, however many models use it."""
    return {entry.digest: entry for tensors in tensor_maps for entry in tensors.values()}


def distinct_bytes(*tensor_maps: dict[str, TensorEntry]) -> int:
    """Bytes of the distinct tensors: memory is counted once per tensor, never per user of it."""
    return sum(entry.size_bytes for entry in distinct_tensors(*tensor_maps).values())
