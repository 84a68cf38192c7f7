"""What the worker asks the child process that opens an uploaded model, and what it hears. Plain data."""

from typing import Any

import msgspec


class RecogniseRequest(msgspec.Struct, frozen=True, tag=True):
    """What is it? `weights`: path of the upload."""

    weights: str


class RecogniseAnswer(msgspec.Struct, frozen=True):
    """`problem`: one sentence, or "" and then `recognition` as in webapp.workloads.models.Model."""

    problem: str = ""
    recognition: dict[str, Any] = {}


class CheckRequest(msgspec.Struct, frozen=True, tag=True):
    """Is it what they say? `weights`: path of the upload. `input_size` is (height, width)."""

    weights: str
    architecture: str
    classes: tuple[str, ...]
    input_size: tuple[int, int]


class CheckAnswer(msgspec.Struct, frozen=True):
    """`problem`: one sentence, or "" and then the rest as in webapp.workloads.models.Model.

    `is_correctable`: not the file is the problem but what was said of it.
    """

    problem: str = ""
    is_correctable: bool = False
    tensors: dict[str, Any] = {}
    layers: list[dict[str, Any]] = []
    size_bytes: int = 0
