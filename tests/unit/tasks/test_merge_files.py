"""Names for the core, and weights files that any safetensors reader accepts."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file

from edge_runtime.bundles.tensors import blob_bytes, tensor_entry
from workers.merging.workload import QueryPart
from workers.tasks import merge_files
from workers.tasks.merge_files import core_names, write_safetensors


def test_core_names_are_different_and_fit_its_pattern() -> None:
    names = core_names(["Cars at the gate", "cars-at-the gate", "Cars at the gate!", "läuft", "---", "a" * 100])
    assert names[:3] == ["Cars-at-the-gate", "cars-at-the-gate", "Cars-at-the-gate-2"]
    assert len(set(names)) == 6
    pattern = msgspec.json.schema(QueryPart)["$defs"]["QueryPart"]["properties"]["name"]["pattern"]
    for name in names:
        assert re.fullmatch(pattern, name)


def test_weights_written_from_blobs_read_back_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tensors = {
        "a.weight": torch.arange(6, dtype=torch.float32).reshape(2, 3),
        "a.half": torch.tensor([1.5, -2.0], dtype=torch.float16),
        "bn.num_batches_tracked": torch.tensor(7),
        "empty": torch.empty(0, 4),
    }
    blobs = {}
    for tensor in tensors.values():
        path = tmp_path / tensor_entry(tensor).digest
        path.write_bytes(blob_bytes(tensor))
        blobs[path.name] = path
    monkeypatch.setattr(merge_files, "blob_open", lambda digest: blobs[digest].open("rb"))
    entries: dict[str, Any] = msgspec.to_builtins({name: tensor_entry(tensor) for name, tensor in tensors.items()})
    write_safetensors(tmp_path / "weights.safetensors", entries)
    read = load_file(tmp_path / "weights.safetensors")
    assert read.keys() == tensors.keys()
    assert all(torch.equal(read[name], tensor) and read[name].dtype == tensor.dtype for name, tensor in tensors.items())
