"""An uploaded file of weights as tensors: what they are, and the checks on them. Runs in a child process only.

The file is data, never code: safetensors, or torch.load with weights_only.
"""

import json
import pickle
import struct
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from edge_runtime.bundles.tensors import blob_bytes, tensor_entry
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import TensorEntry, distinct_bytes
from edge_runtime.protocol.sizes import format_size
from edge_runtime.vision.architectures import (
    InputSizeUnsupported,
    WeightsMismatch,
    architecture,
    load_weights,
    recognise,
)
from edge_runtime.vision.inventory import layer_inventory
from edge_runtime.vision.preprocessing import preprocess, stack
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.tasks import functions_for
from workers.tasks.model_check import CheckAnswer, CheckRequest, RecogniseAnswer, RecogniseRequest

_TORCH_FILE = (b"PK\x03\x04", b"\x80")  # a zip of torch.save, or a bare pickle of old versions
# torch's own unpickler trips over broken input in all of these ways.
_BROKEN_PICKLE = (
    *(RuntimeError, EOFError, ValueError, LookupError, TypeError, AttributeError, AssertionError, OSError),
    struct.error,
)
_HEADER_MAX_BYTES = 100_000_000  # as safetensors itself has it
_WRAPPERS = ("state_dict", "model", "model_state_dict")
_NAME_PREFIXES = ("module.", "_orig_mod.", "model.")  # of DataParallel, torch.compile and Lightning


class UnusableFile(GemelError):
    code = "model_file"


class InputUnusable(UnusableFile):
    code = "model_input"


CORRECTABLE = (WeightsMismatch, InputSizeUnsupported, InputUnusable)


def recognise_model_file(request: RecogniseRequest) -> RecogniseAnswer:
    """Which architectures the tensors fit (see webapp.workloads.models.Model), by their names and shapes.

    Raises UnusableFile and NoArchitectureFits, each one sentence for a person.
    """
    state = read_tensors(Path(request.weights))
    candidates = []
    for found in recognise(state):
        entry = architecture(found.architecture)
        candidates.append(
            {
                "architecture": found.architecture,
                "task": entry.task.value,
                "classes": found.classes,
                "input_size": found.input_size,
                "usual_size": entry.usual_size,
                "size_rule": str(entry.input_sizes),
            }
        )
    size_bytes = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    return RecogniseAnswer(recognition={"tensors": len(state), "size_bytes": size_bytes, "candidates": candidates})


def check_model_file(request: CheckRequest, blobs: Path) -> CheckAnswer:
    """Loads strictly, runs one forward pass on random pixels, lists the layers, writes the tensors as blobs.

    Raises UnusableFile and the errors of load_weights, each one sentence for a person.
    """
    spec = ModelSpec(request.architecture, request.classes, request.input_size)
    state = read_tensors(Path(request.weights))
    broken = next((name for name, tensor in state.items() if not torch.isfinite(tensor).all()), None)
    if broken is not None:
        raise UnusableFile(f"The weights hold values that are no numbers, in {broken}: export them again.")
    module = load_weights(spec, state)
    del state
    _forward(module, spec)
    tensors = _write_blobs(module.state_dict(), blobs)
    layers = [msgspec.to_builtins(asdict(layer)) for layer in layer_inventory(module)]
    return CheckAnswer(tensors=msgspec.to_builtins(tensors), layers=layers, size_bytes=distinct_bytes(tensors))


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of the file by name. Raises UnusableFile."""
    with path.open("rb") as file:
        start = file.read(4)
    found = _read_torch(path) if start.startswith(_TORCH_FILE) else _read_safetensors(path)
    tensors = {name: value for name, value in found.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors or len(tensors) < len(found):
        raise UnusableFile("The file does not hold one mapping of names to tensors: save the model's state dict.")
    return _unwrapped(tensors)


def _unwrapped(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """By the network's own names, where it was saved within another module."""
    for prefix in _NAME_PREFIXES:
        if all(name.startswith(prefix) for name in tensors):
            return _unwrapped({name.removeprefix(prefix): tensor for name, tensor in tensors.items()})
    return tensors


def _read_safetensors(path: Path) -> Mapping[object, object]:
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError) as error:
        size_bytes, wanted_bytes = path.stat().st_size, _safetensors_bytes(path)
        if size_bytes < wanted_bytes:
            raise UnusableFile(
                f"The file is cut off: {format_size(size_bytes)} of {format_size(wanted_bytes)} are there. "
                "Upload it again, or export the weights again if your own copy is as short."
            ) from error
        raise UnusableFile(
            "The file holds no weights that can be read: save the model's state dict with safetensors."
        ) from error


def _safetensors_bytes(path: Path) -> int:
    """How long the file should be by its header; 0 where it has none that can be read."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        try:
            header = json.loads(file.read(min(length, _HEADER_MAX_BYTES)))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
            return 8 + length + max(ends, default=0)
        except (ValueError, LookupError, TypeError, AttributeError):
            return 0


def _read_torch(path: Path) -> Mapping[object, object]:
    """A refusal of weights_only names what the pickle wanted to call; that sentence is torch's, so ours replaces it."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise UnusableFile(
            "The file is a pickle that would run code, so it was not opened: save only the model's state dict, "
            "best with safetensors."
        ) from error
    except _BROKEN_PICKLE as error:
        raise UnusableFile(
            "The file is broken or cut off: upload it again, or export the weights again, best with safetensors."
        ) from error
    for name in _WRAPPERS:
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            found = found[name]
    return found if isinstance(found, dict) else {}


def _forward(module: nn.Module, spec: ModelSpec) -> None:
    """Raises InputUnusable when the network cannot answer about a picture of its input size."""
    picture = np.random.default_rng(0).integers(0, 256, (*spec.input_size, 3), dtype=np.uint8)
    try:
        functions_for(spec).predict(module, stack([preprocess(picture, spec)]))
    except (RuntimeError, ValueError, IndexError) as error:
        height, width = spec.input_size
        raise InputUnusable(
            f"{spec.architecture} cannot work on an input of {height}x{width} pixels: choose the size that it was "
            "trained with."
        ) from error


def _write_blobs(state: Mapping[str, Tensor], blobs: Path) -> dict[str, TensorEntry]:
    blobs.mkdir()
    entries = {name: tensor_entry(tensor) for name, tensor in state.items()}
    for name, entry in entries.items():
        (blobs / entry.digest).write_bytes(blob_bytes(state[name]))
    return entries
