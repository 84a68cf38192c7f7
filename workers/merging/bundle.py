"""The unsigned bundle of what is accepted: DIR/bundle/manifest.json and DIR/bundle/blobs/<digest>.

Blobs first, then the manifest in one rename, so a reader finds the old configuration or the new one, whole.
Signing and publishing are the server's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from edge_runtime.bundles.files import write_atomically
from edge_runtime.bundles.tensors import blob_bytes
from edge_runtime.protocol.manifest import Manifest, ModelEntry, TensorEntry, distinct_tensors, encode_manifest
from edge_runtime.vision.spec import ModelSpec, Task
from workers.merging.memory import model_entries

State = Mapping[str, torch.Tensor]


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


def write_merge_bundle(folder: Path, queries: Iterable[BundledQuery], at: datetime | None = None) -> Manifest:
    """Replaces the bundle in `folder` and removes blobs that only the one before needed."""
    queries = tuple(queries)
    created_at = (at or datetime.now(UTC)).isoformat(timespec="seconds")
    manifest = Manifest(box="", version=0, models=tuple(map(model_entry, queries)), created_at=created_at)
    blobs = folder / "blobs"
    blobs.mkdir(parents=True, exist_ok=True)
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
    write_atomically(folder / "manifest.json", encode_manifest(manifest))
    wanted = bundle_tensors(manifest)
    for path in blobs.iterdir():
        if path.name not in wanted:
            path.unlink()
    return manifest


def bundle_tensors(manifest: Manifest) -> dict[str, TensorEntry]:
    """Every distinct tensor of a bundle, originals included."""
    return distinct_tensors(*(t for model in manifest.models for t in (model.tensors, model.original_tensors or {})))
