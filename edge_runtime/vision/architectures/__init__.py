"""Networks by name: which there are, how one is built, how weights get into it."""

from edge_runtime.vision.architectures.architecture import Architecture, Head, Normalisation
from edge_runtime.vision.architectures.input_sizes import InputSizes, InputSizeUnsupported
from edge_runtime.vision.architectures.pretrained import PretrainedUnavailable, has_pretrained_head, pretrained
from edge_runtime.vision.architectures.recognition import Candidate, NoArchitectureFits, recognise
from edge_runtime.vision.architectures.registry import (
    UnknownArchitecture,
    architecture,
    architecture_names,
    build,
    task_of,
)
from edge_runtime.vision.architectures.weights import WeightsMismatch, load_weights

__all__ = [
    "Architecture",
    "Candidate",
    "Head",
    "InputSizeUnsupported",
    "InputSizes",
    "NoArchitectureFits",
    "Normalisation",
    "PretrainedUnavailable",
    "UnknownArchitecture",
    "WeightsMismatch",
    "architecture",
    "architecture_names",
    "build",
    "has_pretrained_head",
    "load_weights",
    "pretrained",
    "recognise",
    "task_of",
]
