"""What a person may say about a merge run, beside its workload."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch

from workers.merging.matching import Match
from workers.merging.sharing import Initialisation
from workers.merging.strategies import DEFAULT
from workers.merging.training import TrainingSettings

ROUNDINGS: Mapping[str | None, torch.dtype | None] = {None: None, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class RunOptions:
    """`rounding`: "float16" measures and ships weights rounded to it (they stay float32 tensors).

    `match`, `joins_repeats`: which layers may share, see matching.

    `sample_limit` ends the run as `time_limit_s` does, once that many samples were seen. `resume` goes on from the
    checkpoint in the run's folder, if there is one; a finished run is not run again. Limits count from the first start.
    """

    strategy: str = DEFAULT
    seed: int = 1
    time_limit_s: float | None = None
    device: str = "cpu"
    rounding: str | None = None
    initialisation: Initialisation = Initialisation.MEMBER
    match: Match = Match.EXACT
    joins_repeats: bool = False
    resume: bool = False
    sample_limit: int | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)
