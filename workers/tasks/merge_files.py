"""The files that the merging core reads: WORKLOAD.yaml and weights, written from rows and the artifact store."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import TensorEntry
from webapp.common.blobs import blob_open
from webapp.common.folders import local_folder
from webapp.merges.models import MergedGroup, MergeRunQuery
from webapp.workloads.models import Dataset, DatasetKind, Model

_SAFETENSORS_DTYPES = {
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "uint8": "U8",
    "bool": "BOOL",
}
_SPLITS = ("train", "validation", "test")


class DatasetGone(GemelError):
    code = "dataset_gone"


def core_names(names: Iterable[str]) -> list[str]:
    """The core's name for each query: letters, digits, dot, dash and underscore, all different."""
    used: set[str] = set()
    found = []
    for name in names:
        base = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:90] or "query"
        slug, number = base, 2
        while slug in used:
            slug, number = f"{base}-{number}", number + 1
        used.add(slug)
        found.append(slug)
    return found


def named_queries(run_queries: Iterable[MergeRunQuery]) -> dict[str, MergeRunQuery]:
    """The run's queries by their names in the core, in a fixed order."""
    ordered = sorted(run_queries, key=lambda run_query: run_query.pk)
    return dict(zip(core_names(run_query.name for run_query in ordered), ordered, strict=True))


def write_workload(folder: Path, queries: Mapping[str, MergeRunQuery], starts_from: MergedGroup | None = None) -> Path:
    """WORKLOAD.yaml and the originals' weights in `folder`, and those that the run starts from. Raises DatasetGone."""
    weights: dict[Any, str] = {}
    for run_query in queries.values():
        if run_query.model_id not in weights:
            weights[run_query.model_id] = f"{run_query.model_id}.safetensors"
            write_safetensors(folder / weights[run_query.model_id], run_query.model.tensors)
    parts = [_part(name, run_query, weights[run_query.model_id], folder) for name, run_query in queries.items()]
    for part, run_query in zip(parts, queries.values(), strict=True):
        merged = _merged(starts_from, run_query)
        if merged is not None:
            part["model"]["merged"] = f"merged-{run_query.pk}.safetensors"
            write_safetensors(folder / part["model"]["merged"], merged)
    path = folder / "WORKLOAD.yaml"
    path.write_text(yaml.safe_dump({"queries": parts}, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return path


def _merged(group: MergedGroup | None, run_query: MergeRunQuery) -> Mapping[str, Any] | None:
    """What the query ran in the merged group; None where it was not in it or has another model by now."""
    if group is None or run_query.query_id is None:
        return None
    member = group.members.filter(query=run_query.query_id, model=run_query.model_id).first()
    return None if member is None else member.tensors


def write_safetensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """A safetensors file out of blobs: a header and their bytes one after the other. `tensors`: as in Model.tensors."""
    entries = msgspec.convert(tensors, dict[str, TensorEntry])
    header, offset = {}, 0
    for name, entry in entries.items():
        end = offset + entry.size_bytes
        dtype = _SAFETENSORS_DTYPES[entry.dtype]
        header[name] = {"dtype": dtype, "shape": entry.shape, "data_offsets": (offset, end)}
        offset = end
    encoded = msgspec.json.encode(header)
    encoded += b" " * (-len(encoded) % 8)
    with path.open("wb") as file:
        file.write(len(encoded).to_bytes(8, "little") + encoded)
        for entry in entries.values():
            with blob_open(entry.digest) as blob:
                file.write(blob.read())


def _part(name: str, run_query: MergeRunQuery, weights: str, run_folder: Path) -> dict[str, Any]:
    model: Model = run_query.model
    return {
        "name": name,
        "task": model.task,
        "model": {
            "architecture": model.architecture,
            "weights": weights,
            "classes": list(model.classes),
            "input_size": [model.input_height, model.input_width],
        },
        "data": _data(name, run_query.dataset, run_folder),
        "accuracy_target": run_query.accuracy_target,
    }


def _data(name: str, dataset: Dataset | None, run_folder: Path) -> dict[str, Any]:
    """An archive that was unpacked into splits gives them; otherwise the core splits by time."""
    folder = None if dataset is None else local_folder(dataset.folder, run_folder / "data" / str(dataset.id))
    if dataset is None or folder is None or not folder.is_dir():
        raise DatasetGone(f'The data set of "{name}" was deleted: request a new one and start the merge again.')
    splits = [split for split in _SPLITS if (folder / split).is_dir()] if dataset.kind != DatasetKind.FRAMES else []
    places = {split: folder / split for split in splits} if "train" in splits else {"train": folder}
    if dataset.kind == DatasetKind.COCO:
        found: dict[str, Any] = {split: _coco(place) for split, place in places.items()}
    else:
        found = {split: str(place) for split, place in places.items()}
    return {"format": dataset.kind, **found}


def _coco(folder: Path) -> dict[str, str]:
    return {"images": str(folder / "images"), "annotations": str(folder / "annotations.json")}
