"""Deployable bundles, unsigned: DIR/bundles/<n>/manifest.json, n counting what was accepted; 0 holds originals only.

The tensors of all of them are in DIR/blobs, where equal ones are there once. DIR/bundles/<n>/blobs leads there, and
DIR/bundle to the newest. Blobs first, then the manifest, then the link, each in one rename: a reader finds the old
configuration or the new one, whole. Signing and publishing are the server's.
"""

import shutil
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from edge_runtime.bundles.files import TEMPORARY, write_atomically
from edge_runtime.bundles.tensors import blob_bytes, tensor_from_blob
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import (
    Manifest,
    ModelEntry,
    TensorEntry,
    decode_manifest,
    distinct_tensors,
    encode_manifest,
    sha256_hex,
)
from edge_runtime.vision.spec import ModelSpec, Task
from workers.merging.memory import model_entries

State = Mapping[str, torch.Tensor]


class BundleDamaged(GemelError):
    code = "bundle_damaged"


@dataclass(frozen=True)
class BundledQuery:
    """`original` and `merged` are whole states; `merged` None where the query keeps its original."""

    name: str
    task: Task
    spec: ModelSpec
    original: State
    merged: State | None = None
    merged_group: str | None = None


def model_entry(query: BundledQuery) -> ModelEntry:
    original = model_entries(query.original)
    return ModelEntry(
        slot=query.name,
        task=query.task.value,
        architecture=query.spec.architecture,
        classes=query.spec.classes,
        input_size=query.spec.input_size,
        tensors=original if query.merged is None else model_entries(query.merged),
        original_tensors=None if query.merged is None else original,
        merged_group=query.merged_group,
    )


def write_merge_bundle(out: Path, number: int, queries: Iterable[BundledQuery], at: datetime | None = None) -> Manifest:
    """Writes bundle `number`, in place of one that is there already, and lets DIR/bundle lead to it."""
    queries = tuple(queries)
    created_at = (at or datetime.now(UTC)).isoformat(timespec="seconds")
    manifest = Manifest(box="", version=0, models=tuple(map(model_entry, queries)), created_at=created_at)
    folder, blobs = _folder(out, number), out / "blobs"
    for needed in (folder, blobs):
        needed.mkdir(parents=True, exist_ok=True)
    tensors = [
        (entry, state[name])
        for model, query in zip(manifest.models, queries, strict=True)
        for entries, state in (
            (model.tensors, query.merged or query.original),
            (model.original_tensors, query.original),
        )
        for name, entry in (entries or {}).items()
    ]
    for entry, tensor in tensors:
        if not (blobs / entry.digest).exists():
            write_atomically(blobs / entry.digest, blob_bytes(tensor))
    _lead(folder / "blobs", Path("../../blobs"))
    write_atomically(folder / "manifest.json", encode_manifest(manifest))
    _lead(out / "bundle", folder.relative_to(out))
    return manifest


def _folder(out: Path, number: int) -> Path:
    return out / "bundles" / str(number)


def _lead(link: Path, target: Path) -> None:
    temporary = link.with_name(link.name + TEMPORARY)
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target, target_is_directory=True)
    temporary.replace(link)


def merged_weights(out: Path, number: int) -> dict[str, State]:
    """By query: what bundle `number` holds of merged models. Raises BundleDamaged."""
    try:
        manifest = decode_manifest((_folder(out, number) / "manifest.json").read_bytes())
        merged = [model for model in manifest.models if model.merged_group is not None]
        return {model.slot: {n: _tensor(out, entry) for n, entry in model.tensors.items()} for model in merged}
    except (OSError, GemelError) as error:
        raise BundleDamaged(f"Bundle {number} in {out} cannot be read: {error}.") from error


def _tensor(out: Path, entry: TensorEntry) -> torch.Tensor:
    content = (out / "blobs" / entry.digest).read_bytes()
    if sha256_hex(content) != entry.digest:
        raise BundleDamaged(f"blob {entry.digest[:12]} is not what its name says")
    return tensor_from_blob(entry, content)


def keep_bundles(out: Path, wanted: Container[int]) -> None:
    """Removes all other bundles, and the blobs that then no bundle needs."""
    needed: set[str] = set()
    for folder in (out / "bundles").glob("*"):
        manifest = folder / "manifest.json"
        if int(folder.name) in wanted and manifest.exists():
            needed.update(bundle_tensors(decode_manifest(manifest.read_bytes())))
        else:
            shutil.rmtree(folder)
    for path in (out / "blobs").glob("*"):
        if path.name not in needed:
            path.unlink()


def remove_bundles(out: Path) -> None:
    """What an earlier run left in the same folder."""
    if (out / "bundle").is_symlink():
        (out / "bundle").unlink()
    for name in ("bundle", "bundles", "blobs"):
        shutil.rmtree(out / name, ignore_errors=True)


def bundle_tensors(manifest: Manifest) -> dict[str, TensorEntry]:
    """Every distinct tensor of a bundle, originals included."""
    return distinct_tensors(*(t for model in manifest.models for t in (model.tensors, model.original_tensors or {})))
