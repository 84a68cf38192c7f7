"""What a merge run remembers in its checkpoint: JSON for what is known, tensors for weights and random generators.

Accepted weights are not in it: they are in the bundle that it names.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import torch

from workers.merging.checkpoint import START_ANEW, CheckpointDamaged
from workers.merging.configuration import LayerPlace, MergeConfiguration, MergedGroup
from workers.merging.events import QueryFigures
from workers.merging.history import Attempt
from workers.merging.result import Details, Saving, Step
from workers.merging.trial import TrialState

Tensors = Mapping[str, torch.Tensor]


@dataclass(frozen=True)
class PastAttempt:
    """history.Attempt, with its conflicts as pairs: JSON has no keys but text."""

    configuration: MergeConfiguration
    accepted: MergeConfiguration
    figures: dict[str, QueryFigures]
    conflict: tuple[tuple[LayerPlace, float], ...]

    @classmethod
    def of(cls, attempt: Attempt) -> "PastAttempt":
        return cls(attempt.configuration, attempt.accepted, dict(attempt.figures), tuple(attempt.conflict.items()))

    def attempt(self) -> Attempt:
        return Attempt(self.configuration, self.accepted, self.figures, dict(self.conflict))


@dataclass(frozen=True)
class AcceptedState:
    """trial.AcceptedGroup without weights."""

    merged: MergedGroup
    validation: dict[str, QueryFigures]
    test: dict[str, QueryFigures]
    details: dict[str, Details]


@dataclass(frozen=True)
class ProgressState:
    """`training_seconds`: of the training that is going on."""

    seconds: float
    samples_seen: int
    training_seconds: float
    trying: str
    figures: dict[str, QueryFigures]


@dataclass(frozen=True)
class RunState:
    """`bundle`: the newest. `shared`: what the networks share. `trial`: the one that is going on, if any."""

    progress: ProgressState
    attempts: tuple[PastAttempt, ...]
    steps: tuple[Step, ...]
    savings: tuple[Saving, ...]
    accepted: tuple[AcceptedState, ...]
    bundle: int
    shared: MergeConfiguration
    trial: TrialState | None
    is_finished: bool


def encode_state(state: RunState) -> bytes:
    return msgspec.json.encode(state)


def decode_state(content: bytes) -> RunState:
    """Raises CheckpointDamaged."""
    try:
        return msgspec.json.decode(content, type=RunState)
    except msgspec.DecodeError as error:
        raise CheckpointDamaged(f"The checkpoint is of another version of the program. {START_ANEW}.") from error


def random_states() -> dict[str, torch.Tensor]:
    """Of torch's generators, on the CPU and on every accelerator in use."""
    found = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_initialized():
        found |= {str(number): state for number, state in enumerate(torch.cuda.get_rng_state_all())}
    return found


def restore_random_states(states: Tensors) -> None:
    torch.set_rng_state(states["cpu"])
    for number in range(len(states) - 1):
        torch.cuda.set_rng_state(states[str(number)], number)
