"""A merge in the repository: every distinct merged tensor once, in half precision, in pieces small enough for git.

    manifest.json  result.json  events.jsonl  tensors-N.safetensors (keys are the digests of the full tensors)

The weights were rounded to half precision before they were measured, so widening them again gives back every tensor
bit by bit; `unpack` proves it by the digests. The originals' tensors are not here: they are shipped as originals.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from edge_runtime.bundles.tensors import blob_bytes, tensor_from_blob
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest, TensorEntry, decode_manifest, distinct_tensors, sha256_hex
from workers.merging.disagreements import FILE, FOLDER

PIECE_BYTES = 2_800_000
_BESIDE = ("result.json", "events.jsonl")


class ShippedMergeBroken(GemelError):
    code = "shipped_merge"


def pack(run: Path, shipped: Path) -> None:
    """Replaces `shipped` by the merge that a run of the core left in `run`. Raises ShippedMergeBroken."""
    manifest = _manifest(run / "bundle" / "manifest.json")
    shutil.rmtree(shipped, ignore_errors=True)
    shipped.mkdir(parents=True)
    for number, piece in enumerate(_pieces(run / "bundle" / "blobs", merged_tensors(manifest)), 1):
        save_file(piece, shipped / f"tensors-{number}.safetensors")
    shutil.copy(run / "bundle" / "manifest.json", shipped)
    for name in _BESIDE:
        shutil.copy(run / name, shipped)
    pack_disagreements(run, shipped)


def pack_disagreements(run: Path, shipped: Path) -> None:
    """Replaces those that are shipped."""
    shutil.rmtree(shipped / FOLDER, ignore_errors=True)
    _copy_disagreements(run, shipped)


def _copy_disagreements(source: Path, target: Path) -> None:
    if (source / FILE).exists():
        shutil.copy(source / FILE, target)
        shutil.copytree(source / FOLDER, target / FOLDER, dirs_exist_ok=True)


def shipped_weights(run: Path) -> dict[str, dict[str, torch.Tensor]]:
    """By query that is merged: its merged tensors. `run`: as `unpack` left it. Tensors of originals are not in it."""
    found = {}
    for model in _manifest(run / "bundle" / "manifest.json").models:
        if model.original_tensors is not None:
            blobs = run / "bundle" / "blobs"
            found[model.slot] = {
                name: tensor_from_blob(entry, (blobs / entry.digest).read_bytes())
                for name, entry in model.tensors.items()
            }
    return found


def unpack(shipped: Path, run: Path) -> Path:
    """`run` as the core left it, but for the originals' blobs. Raises ShippedMergeBroken where a digest differs."""
    wanted = merged_tensors(_manifest(shipped / "manifest.json"))
    blobs = run / "bundle" / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
    for path in sorted(shipped.glob("tensors-*.safetensors")):
        for digest, tensor in load_file(path).items():
            content = blob_bytes(tensor.float() if tensor.dtype is torch.float16 else tensor)
            if digest not in wanted or sha256_hex(content) != digest:
                raise ShippedMergeBroken(f"{path} holds a tensor that is not what its name says: check it out again.")
            (blobs / digest).write_bytes(content)
    missing = [digest for digest in wanted if not (blobs / digest).exists()]
    if missing:
        raise ShippedMergeBroken(f"{shipped} lacks {len(missing)} tensors of its manifest: check it out again.")
    shutil.copy(shipped / "manifest.json", run / "bundle")
    for name in _BESIDE:
        shutil.copy(shipped / name, run)
    _copy_disagreements(shipped, run)
    return run


def merged_tensors(manifest: Manifest) -> dict[str, TensorEntry]:
    """What no original holds."""
    originals = distinct_tensors(
        *(model.tensors if model.original_tensors is None else model.original_tensors for model in manifest.models)
    )
    everything = distinct_tensors(*(model.tensors for model in manifest.models))
    return {digest: entry for digest, entry in everything.items() if digest not in originals}


def _pieces(blobs: Path, entries: dict[str, TensorEntry]) -> Iterator[dict[str, torch.Tensor]]:
    piece: dict[str, torch.Tensor] = {}
    size = 0
    for digest, entry in sorted(entries.items()):
        tensor = _narrowed(digest, tensor_from_blob(entry, (blobs / digest).read_bytes()))
        bytes_more = tensor.numel() * tensor.element_size()
        if piece and size + bytes_more > PIECE_BYTES:
            yield piece
            piece, size = {}, 0
        piece[digest] = tensor
        size += bytes_more
    if piece:
        yield piece


def _narrowed(digest: str, tensor: torch.Tensor) -> torch.Tensor:
    if tensor.dtype is not torch.float32:
        return tensor
    half = tensor.half()
    if not torch.equal(half.float(), tensor):
        raise ShippedMergeBroken(f"Tensor {digest[:12]} does not fit half precision: merge with rounding float16.")
    return half


def _manifest(path: Path) -> Manifest:
    try:
        return decode_manifest(path.read_bytes())
    except OSError as error:
        raise ShippedMergeBroken(f"{path} cannot be read: {error.strerror}.") from error
