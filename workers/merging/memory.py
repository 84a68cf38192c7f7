"""Bytes of models, counted once per distinct tensor: content addressing is the measure, as on the box and the wire."""

from collections.abc import Mapping, Sequence

import torch

from edge_runtime.bundles.tensors import tensor_entry
from edge_runtime.protocol.manifest import TensorEntry, distinct_bytes, sha256_hex

State = Mapping[str, torch.Tensor]


def model_entries(state: State) -> dict[str, TensorEntry]:
    """The manifest's tensor map of one model: every parameter and buffer by state-dict name."""
    return {name: tensor_entry(tensor) for name, tensor in state.items()}


def workload_bytes(entries: Mapping[str, Mapping[str, TensorEntry]]) -> int:
    """Bytes of all models together, each distinct tensor once. `entries`: query -> tensor map."""
    return distinct_bytes(*(dict(tensors) for tensors in entries.values()))


def layer_content(entries: Mapping[str, TensorEntry], parameters: Sequence[str]) -> str:
    """One digest for all weights of a layer: equal digests mean equal bytes, whatever the layer is called.

    `parameters`: their names in `entries`, weight before bias.
    """
    return sha256_hex("\n".join(entries[name].digest for name in parameters).encode())
