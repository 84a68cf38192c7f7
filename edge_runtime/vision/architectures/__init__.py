"""Networks by name: which there are, how one is built, how weights get into it."""

from edge_runtime.vision.architectures.architecture import Architecture, Head, Normalisation
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
    "Head",
    "Normalisation",
    "UnknownArchitecture",
    "WeightsMismatch",
    "architecture",
    "architecture_names",
    "build",
    "load_weights",
    "task_of",
]
