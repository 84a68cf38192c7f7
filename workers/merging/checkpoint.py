"""The checkpoint of a merge run on disk: DIR/checkpoint/checkpoint.json and the safetensors files that it names.

Tensor files first, then checkpoint.json in one rename, then what it does not name is removed: a kill at any moment
leaves the old checkpoint or the new one, whole, and the folder holds one of them only. Never pickle. What the state
means is run_state's work.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from edge_runtime.bundles.files import TEMPORARY, sync_folder, write_atomically
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import sha256_hex

FORMAT = 1
START_ANEW = "Start without --resume, or with another --out; nothing was changed"
Tensors = Mapping[str, torch.Tensor]


class CheckpointNotWritten(GemelError):
    """The one before is still there."""

    code = "checkpoint_not_written"


class CheckpointUnusable(GemelError):
    """Nothing can be resumed from it; a start without --resume works."""

    code = "checkpoint_unusable"


class CheckpointDamaged(CheckpointUnusable):
    code = "checkpoint_damaged"


class CheckpointOfAnotherRun(CheckpointUnusable):
    code = "checkpoint_of_another_run"


class _Part(msgspec.Struct, frozen=True):
    """A tensor file. `strides`: of the tensors whose memory is not laid out in order, which safetensors cannot say."""

    file: str
    sha256: str
    strides: dict[str, tuple[int, ...]]


class _Content(msgspec.Struct, frozen=True):
    identity: dict[str, str]
    parts: dict[str, _Part]
    state: msgspec.Raw


class _File(msgspec.Struct, frozen=True):
    """checkpoint.json. `sha256` is of the bytes of `content`."""

    format: int
    sha256: str
    content: msgspec.Raw


@dataclass(frozen=True)
class Checkpoint:
    """`identity`: what a run must have in common with the one that wrote it, in words. `state`: JSON."""

    identity: Mapping[str, str]
    state: bytes
    parts: Mapping[str, Tensors]


class CheckpointFolder:
    """Written by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: dict[str, tuple[Tensors, _Part]] = {}

    @property
    def exists(self) -> bool:
        return self._path.is_file()

    @property
    def _path(self) -> Path:
        return self._folder / "checkpoint.json"

    def write(self, identity: Mapping[str, str], state: bytes, parts: Mapping[str, Tensors]) -> None:
        """Replaces the checkpoint. A part that is the same object as at the last time is not written again.

        Raises CheckpointNotWritten.
        """
        try:
            self._write(identity, state, parts)
        except (OSError, SafetensorError) as error:
            raise CheckpointNotWritten(f"The checkpoint could not be written: {error}.") from error

    def _write(self, identity: Mapping[str, str], state: bytes, parts: Mapping[str, Tensors]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._written = {name: (tensors, self._write_part(name, tensors)) for name, tensors in parts.items()}
        named = {name: part for name, (_, part) in self._written.items()}
        content = msgspec.json.encode(_Content(dict(identity), named, msgspec.Raw(state)))
        file = _File(FORMAT, sha256_hex(content), msgspec.Raw(content))
        write_atomically(self._path, msgspec.json.encode(file))
        self._remove_all_but({part.file for part in named.values()})

    def _write_part(self, name: str, tensors: Tensors) -> _Part:
        if name in self._written and self._written[name][0] is tensors:
            return self._written[name][1]
        held = {key: tensor.detach().cpu() for key, tensor in tensors.items()}
        strides = {key: tensor.stride() for key, tensor in held.items() if not _is_in_order(tensor)}
        temporary = self._folder / f"{name}{TEMPORARY}"
        save_file({key: _in_order(tensor) for key, tensor in held.items()}, temporary)
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        path = self._folder / f"{name}-{digest[:16]}.safetensors"
        temporary.replace(path)
        sync_folder(self._folder)
        return _Part(path.name, digest, strides)

    def _remove_all_but(self, wanted: set[str]) -> None:
        for path in self._folder.iterdir():
            if path.name not in wanted and path != self._path:
                path.unlink()

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._written = {}

    def read(self) -> Checkpoint:
        """Raises CheckpointDamaged."""
        try:
            file = msgspec.json.decode(self._path.read_bytes(), type=_File)
            if file.format != FORMAT or sha256_hex(bytes(file.content)) != file.sha256:
                raise CheckpointDamaged(f"{self._path} is not what was written. {START_ANEW}.")
            content = msgspec.json.decode(file.content, type=_Content)
            parts = {name: self._read_part(part) for name, part in content.parts.items()}
        except (OSError, msgspec.DecodeError, SafetensorError) as error:
            raise CheckpointDamaged(
                f"The checkpoint in {self._folder} cannot be read: {error}. {START_ANEW}."
            ) from error
        return Checkpoint(content.identity, bytes(content.state), parts)

    def _read_part(self, part: _Part) -> Tensors:
        path = self._folder / part.file
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != part.sha256:
                raise CheckpointDamaged(f"{path} is not what was written. {START_ANEW}.")
        return {name: _laid_out(tensor, part.strides.get(name)) for name, tensor in load_file(path).items()}


def require_same(found: Mapping[str, str], wanted: Mapping[str, str]) -> None:
    """Raises CheckpointOfAnotherRun that says what differs."""
    differing = [name for name in dict.fromkeys((*wanted, *found)) if found.get(name) != wanted.get(name)]
    if differing:
        said = ", ".join(_difference(name, found.get(name), wanted.get(name)) for name in differing)
        raise CheckpointOfAnotherRun(f"The checkpoint is of another run: {said}. {START_ANEW}.")


def _difference(name: str, found: str | None, wanted: str | None) -> str:
    if found is None or wanted is None:
        return f"{name} is {'new' if found is None else 'gone'}"
    is_readable = max(len(found), len(wanted)) <= 40
    return f"{name} was {found} and is {wanted} now" if is_readable else f"{name} changed"


def _is_in_order(tensor: torch.Tensor) -> bool:
    return tensor.stride() == torch.empty(tensor.shape, device="meta").stride()


def _in_order(tensor: torch.Tensor) -> torch.Tensor:
    """The same memory with its dimensions in the order in which they lie there: nothing is copied."""
    return tensor.permute(_outermost_first(tensor.stride())).contiguous()


def _laid_out(tensor: torch.Tensor, strides: tuple[int, ...] | None) -> torch.Tensor:
    """Undoes `_in_order`, in memory of its own: kernels and the order of sums depend on strides, so results do too."""
    if strides is None:
        return tensor.clone()
    order = _outermost_first(strides)
    restored = tensor.permute([order.index(dimension) for dimension in range(len(order))])
    return torch.empty_strided(restored.shape, strides, dtype=tensor.dtype).copy_(restored)


def _outermost_first(strides: tuple[int, ...]) -> list[int]:
    return sorted(range(len(strides)), key=lambda dimension: -strides[dimension])
