"""Uploaded weights: what fits is taken apart into blobs, everything else is refused in one sentence."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import sha256_hex
from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import ModelSpec
from workers.tasks.model_check import CheckAnswer, CheckRequest, RecogniseRequest
from workers.tasks.model_file import CORRECTABLE, UnusableFile, check_model_file, recognise_model_file

CLASSES = ("car", "bus", "truck")
SPEC = ModelSpec("squeezenet1_1", CLASSES, (32, 32))


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """All tensors different: equal ones (biases of zero) would count once."""
    torch.manual_seed(0)
    return {name: value + 0.01 * torch.randn_like(value) for name, value in build(SPEC).state_dict().items()}


def check(path: Path, **changes: Any) -> CheckAnswer:
    values = {"architecture": SPEC.architecture, "classes": CLASSES, "input_size": SPEC.input_size} | changes
    return check_model_file(CheckRequest(weights=str(path), **values), path.parent / "blobs")


@pytest.mark.parametrize("form", ["safetensors", "torch", "wrapped", "half"])
def test_weights_that_fit_become_float32_blobs_and_an_inventory(
    tmp_path: Path, state: dict[str, torch.Tensor], form: str
) -> None:
    path = tmp_path / "weights"
    if form == "torch":
        torch.save(state, path)
    elif form == "wrapped":
        torch.save({"epoch": 3, "state_dict": state}, path)
    else:
        save_file({name: value.half() if form == "half" else value for name, value in state.items()}, path)
    answer = check(path)
    assert answer.tensors.keys() == state.keys()
    assert {entry["dtype"] for entry in answer.tensors.values()} == {"float32"}
    assert answer.size_bytes == sum(4 * value.numel() for value in state.values())
    assert len(answer.layers) == 26  # one convolution, eight fire modules of three, one classifier
    for blob in (tmp_path / "blobs").iterdir():
        assert sha256_hex(blob.read_bytes()) == blob.name


class Attack:
    """Pickled, it runs a command when it is opened carelessly."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("is_bare", [True, False])
def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(tmp_path: Path, is_bare: bool) -> None:
    path, trace = tmp_path / "weights.pt", tmp_path / "ran"
    if is_bare:
        path.write_bytes(pickle.dumps({"weight": Attack(trace)}))
    else:
        torch.save({"weight": Attack(trace)}, path)
    with pytest.raises(GemelError, match="would run code"):
        check(path)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04 broken", b"\x80\x04broken", b"\xff" * 64])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights"
    path.write_bytes(content)
    with pytest.raises(GemelError) as refused:
        check(path)
    assert "safetensors" in str(refused.value) or "state dict" in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "resnet18"}, "do not fit resnet18"),
        ({"classes": ("car", "bus")}, "trained for 3 classes, but 2"),
        ({"input_size": (16, 16)}, "at least 17 pixels, not 16x16"),
    ],
)
def test_weights_for_something_else_are_refused_and_that_can_be_corrected(
    tmp_path: Path, state: dict[str, torch.Tensor], changes: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "weights"
    save_file(state, path)
    with pytest.raises(CORRECTABLE, match=sentence):
        check(path, **changes)


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    name = next(iter(state))
    save_file(state | {name: torch.full_like(state[name], float("nan"))}, tmp_path / "weights")
    with pytest.raises(GemelError, match="no numbers"):
        check(tmp_path / "weights")


@pytest.mark.parametrize("prefix", ["", "module.", "model.module."])
def test_a_file_is_recognised_also_when_it_was_saved_within_another_module(
    tmp_path: Path, state: dict[str, torch.Tensor], prefix: str
) -> None:
    path = tmp_path / "weights"
    save_file({prefix + name: value for name, value in state.items()}, path)
    (candidate,) = recognise_model_file(RecogniseRequest(str(path))).recognition["candidates"]
    assert (candidate["architecture"], candidate["classes"], candidate["task"]) == (
        "squeezenet1_1",
        3,
        "classification",
    )
    assert (candidate["input_size"], candidate["usual_size"]) == (None, (224, 224))
    assert candidate["size_rule"] == "of at least 17 pixels"
    assert check(path).tensors.keys() == state.keys()


def test_a_file_that_is_cut_off_is_refused_with_how_much_is_there(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    path = tmp_path / "weights"
    save_file(state, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnusableFile, match=r"cut off: 1\.4 MiB of 2\.8 MiB are there"):
        recognise_model_file(RecogniseRequest(str(path)))
