"""Which models a bundle holds, as manifest entries. Pure: rows in, structs out."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from edge_runtime.protocol.manifest import Manifest, ModelEntry, TensorEntry
from webapp.merges.models import MergedGroupQuery
from webapp.workloads.models import Query


def model_entries(queries: Sequence[Query], merged: Mapping[UUID, MergedGroupQuery]) -> tuple[ModelEntry, ...]:
    """One entry per query, its slot being the query's id: merged tensors where a group is approved, else originals."""
    return tuple(_entry(query, merged.get(query.id)) for query in queries)


def publish_reason(previous: Manifest | None, models: Sequence[ModelEntry]) -> str:
    """What a new bundle changes, for a person."""
    before = {entry.slot: entry for entry in previous.models} if previous else {}
    after = {entry.slot: entry for entry in models}
    added, removed = len(after.keys() - before.keys()), len(before.keys() - after.keys())
    kept = before.keys() & after.keys()
    merged = sum(before[slot].merged_group != after[slot].merged_group is not None for slot in kept)
    reverted = sum(before[slot].merged_group is not None and after[slot].merged_group is None for slot in kept)
    counts = {"added": added, "removed": removed, "merged": merged, "back on their originals": reverted}
    parts = [f"{count} {'query' if count == 1 else 'queries'} {what}" for what, count in counts.items() if count]
    return ", ".join(parts) or "models changed"


def _entry(query: Query, member: MergedGroupQuery | None) -> ModelEntry:
    model = query.model
    original = tensor_map(model.tensors)
    return ModelEntry(
        slot=str(query.id),
        task=model.task,
        architecture=model.architecture,
        classes=tuple(model.classes),
        input_size=(model.input_height, model.input_width),
        tensors=original if member is None else tensor_map(member.tensors),
        original_tensors=None if member is None else original,
        merged_group=None if member is None else str(member.group_id),
    )


def tensor_map(tensors: object) -> dict[str, TensorEntry]:
    """Model.tensors and MergedGroupQuery.tensors as structs."""
    return msgspec.convert(tensors, dict[str, TensorEntry])
