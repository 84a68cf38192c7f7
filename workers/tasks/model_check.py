"""What the worker asks the child process that opens an uploaded model, and what it hears. Plain data."""

from typing import Any

import msgspec


class CheckRequest(msgspec.Struct, frozen=True):
    """`weights`: path of the upload. `input_size` is (height, width)."""

    weights: str
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]


class CheckAnswer(msgspec.Struct, frozen=True):
    """`problem`: one sentence, or "" and then the rest as in webapp.workloads.models.Model."""

    problem: str = ""
    tensors: dict[str, Any] = {}
    layers: list[dict[str, Any]] = []
    size_bytes: int = 0
