"""Models of any size with drawn weights, for machines that the demo's small ones would bore; accuracy is not known.

Merged as sharing leaves them: within an architecture all convolutions and linear layers but the last are one, as
between models of one architecture in Gemel's workloads; normalisation and heads stay private.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.edge.street import OnDisk
from edge_runtime.bundles.tensors import tensor_entry, write_bundle
from edge_runtime.protocol.manifest import Manifest, ModelEntry
from edge_runtime.vision.architectures import architecture, build
from edge_runtime.vision.spec import ModelSpec

CLASSES = ("car", "person")
INPUT_SIZE = (224, 224)
_CREATED_AT = "2026-01-01T00:00:00Z"


def drawn(architectures: Sequence[str], folder: Path) -> dict[bool, OnDisk]:
    """By whether merged."""
    return {merged: _bundle(_states(architectures, merged), folder / str(merged)) for merged in (False, True)}


def _states(architectures: Sequence[str], merged: bool) -> dict[str, tuple[str, dict[str, Tensor]]]:
    """Architecture and weights by slot."""
    numbers, firsts = Counter[str](), dict[str, dict[str, Tensor]]()
    states: dict[str, tuple[str, dict[str, Tensor]]] = {}
    for seed, name in enumerate(architectures):
        numbers[name] += 1
        torch.manual_seed(seed)
        state = build(ModelSpec(name, CLASSES, INPUT_SIZE)).state_dict()
        first = firsts.setdefault(name, state)
        shared = _shared(state) if merged else set[str]()
        states[f"{name}-{numbers[name]}"] = name, {key: (first if key in shared else state)[key] for key in state}
    return states


def _shared(state: dict[str, Tensor]) -> set[str]:
    weights = [name for name, tensor in state.items() if tensor.dim() >= 2]
    return set(weights[:-1])


def _bundle(states: dict[str, tuple[str, dict[str, Tensor]]], folder: Path) -> OnDisk:
    models, tensors = [], dict[str, Tensor]()
    for slot, (name, state) in states.items():
        entries = {key: tensor_entry(tensor) for key, tensor in state.items()}
        tensors |= {entry.digest: state[key] for key, entry in entries.items()}
        task = architecture(name).task.value
        models.append(ModelEntry(slot, task, name, CLASSES, INPUT_SIZE, entries))
    manifest = Manifest("drawn", 1, tuple(models), _CREATED_AT)
    write_bundle(folder, manifest, tensors)
    return OnDisk(manifest, folder)
