"""Between torch tensors and content-addressed blobs: the only place that knows a blob's byte layout.

A blob holds the raw little-endian, C-contiguous bytes of one tensor and is named by their SHA-256.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import DTYPE_BYTES, Manifest, TensorEntry, encode_manifest, sha256_hex

TORCH_DTYPES = {name: getattr(torch, name) for name in DTYPE_BYTES}
_NAMES = {dtype: name for name, dtype in TORCH_DTYPES.items()}


class TensorError(GemelError):
    code = "tensor"


def blob_bytes(tensor: torch.Tensor) -> bytes:
    """The bytes that `tensor`'s digest is taken of. Raises TensorError for a dtype that a manifest cannot name."""
    dtype_name(tensor)
    if sys.byteorder != "little":
        raise TensorError("Bundles are little-endian; this machine is not.")
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""


def tensor_entry(tensor: torch.Tensor) -> TensorEntry:
    """The manifest's line for `tensor`: digest, dtype and shape."""
    return TensorEntry(digest=sha256_hex(blob_bytes(tensor)), dtype=dtype_name(tensor), shape=tuple(tensor.shape))


def dtype_name(tensor: torch.Tensor) -> str:
    name = _NAMES.get(tensor.dtype)
    if name is None:
        raise TensorError(f"A bundle cannot hold {tensor.dtype} tensors; convert them to one of {sorted(DTYPE_BYTES)}.")
    return name


def tensor_from_blob(entry: TensorEntry, content: bytes) -> torch.Tensor:
    """A tensor in its own memory from a blob's bytes. Raises TensorError when they do not fit the entry."""
    if len(content) != entry.size_bytes:
        raise TensorError(f"Blob {entry.digest[:12]} holds {len(content)} bytes where {entry.size_bytes} belong.")
    if not content:
        return torch.empty(entry.shape, dtype=TORCH_DTYPES[entry.dtype])
    return torch.frombuffer(bytearray(content), dtype=TORCH_DTYPES[entry.dtype]).reshape(entry.shape)


def map_tensor(entry: TensorEntry, path: Path) -> torch.Tensor:
    """`path` mapped into memory as a tensor: pages load on first touch and a write never reaches the file."""
    if path.stat().st_size != entry.size_bytes:
        raise TensorError(f"Blob {entry.digest[:12]} holds {path.stat().st_size} bytes, not {entry.size_bytes}.")
    dtype = TORCH_DTYPES[entry.dtype]
    if entry.size_bytes == 0:
        return torch.empty(entry.shape, dtype=dtype)
    elements = entry.size_bytes // DTYPE_BYTES[entry.dtype]
    return torch.from_file(str(path), shared=False, size=elements, dtype=dtype).reshape(entry.shape)


def write_bundle(directory: Path, manifest: Manifest, tensors: Mapping[str, torch.Tensor]) -> None:
    """An unsigned bundle: `blobs/<digest>` for every tensor (by digest) and `manifest.json`, written last."""
    blobs = directory / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    for digest, tensor in tensors.items():
        path = blobs / digest
        if not path.exists():
            path.write_bytes(blob_bytes(tensor))
    (directory / "manifest.json").write_bytes(encode_manifest(manifest))
