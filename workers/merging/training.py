"""Joint retraining: in every step a batch from every query, one backward pass each, one optimiser step for all.

A shared parameter gathers the gradients of all its queries and is stepped once. Losses come from labels where there
are any and always from the frozen originals (distillation), so no labels are required.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from edge_runtime.protocol.errors import GemelError
from edge_runtime.vision.tasks import functions_for
from workers.merging.balance import loss_weights, turns
from workers.merging.events import QueryFigures
from workers.merging.precision import Precision, autocast, gradient_scaler, precision_for
from workers.merging.queries import MergingQuery, ShuffledBatches
from workers.merging.sharing import SharedNetworks
from workers.merging.shipped import RunningAverage


class TrainingDiverged(GemelError):
    code = "training_diverged"


@dataclass(frozen=True)
class TrainingSettings:
    """`passes` over the largest query's training frames are planned, within `least_steps` and `most_steps`.

    `evaluate_every` steps the queries are measured on validation frames and training may stop early. `precision`: None
    for what suits the device.
    """

    batch: int = 16
    peak_rate: float = 2e-3
    weight_decay: float = 1e-4
    gradient_norm: float = 5.0
    passes: float = 12.0
    least_steps: int = 250
    most_steps: int = 1200
    evaluate_every: int = 25
    average_decay: float = 0.97
    precision: Precision | None = None

    def planned_steps(self, frames: int) -> int:
        return min(self.most_steps, max(self.least_steps, math.ceil(self.passes * frames / self.batch)))


@dataclass(frozen=True)
class TrainingState:
    """With `JointTraining.tensors`: all that the next steps depend on besides weights, data, settings and torch's RNG.

    `started_with`: the queries at the first step; `queries`: those that still train. `frames_drawn`: by query.
    """

    started_with: tuple[str, ...]
    queries: tuple[str, ...]
    planned: int
    step_number: int
    samples_seen: int
    weights: dict[str, float]
    turns: dict[str, int]
    frames_drawn: dict[str, int]
    average_updates: int
    scaler: dict[str, float | int]


def learning_rate(step: int, planned: int, peak: float) -> float:
    """One cycle (Smith & Topin, 2019): linear up for a tenth of the steps, then a cosine down to a fiftieth."""
    rise = max(1, planned // 10)
    if step < rise:
        return peak * (step + 1) / rise
    fallen = 0.5 * (1 + math.cos(math.pi * min(1.0, (step - rise) / max(1, planned - rise))))
    return peak * (0.02 + 0.98 * fallen)


class JointTraining:
    """One training of some queries under one configuration. `samples_seen` counts frames through all queries."""

    def __init__(
        self,
        shared: SharedNetworks,
        queries: Sequence[MergingQuery],
        settings: TrainingSettings,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self.queries = tuple(queries)
        self.started_with = tuple(query.name for query in queries)
        self.settings = settings
        self.planned = settings.planned_steps(max(len(query.train) for query in queries))
        self.average = RunningAverage(settings.average_decay)
        self.step_number = 0
        self.samples_seen = 0
        self.weights = loss_weights({}, [query.name for query in queries])
        self.turns = turns({}, self.started_with)
        self._shared, self._device = shared, device
        self._precision = settings.precision or precision_for(device)
        self._scaler = gradient_scaler(device, self._precision)
        self._batches = {
            query.name: ShuffledBatches(len(query.train), settings.batch, np.random.default_rng([seed, number]))
            for number, query in enumerate(queries)
        }
        self._optimiser = self._new_optimiser()

    def _new_optimiser(self) -> torch.optim.Optimizer:
        parameters = self._shared.parameters(query.name for query in self.queries)
        decaying = [parameter for parameter in parameters if parameter.dim() > 1]
        plain = [parameter for parameter in parameters if parameter.dim() <= 1]
        groups: list[dict[str, Any]] = [{"params": decaying}, {"params": plain, "weight_decay": 0.0}]
        return torch.optim.AdamW(groups, lr=self.settings.peak_rate, weight_decay=self.settings.weight_decay)

    def step(self) -> float:
        """Mean weighted loss of this step. Raises TrainingDiverged when it is no number."""
        rate = learning_rate(self.step_number, self.planned, self.settings.peak_rate)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.zero_grad(set_to_none=True)
        joining = self._joining()
        total = sum(self._backward(query) for query in joining) / len(joining)
        if not math.isfinite(total):
            raise TrainingDiverged("Joint training diverged: its loss is no number any more.")
        parameters = [parameter for group in self._optimiser.param_groups for parameter in group["params"]]
        self._scaler.unscale_(self._optimiser)
        torch.nn.utils.clip_grad_norm_(parameters, self.settings.gradient_norm)
        self._scaler.step(self._optimiser)
        self._scaler.update()
        self.average.update(self._networks())
        self.step_number += 1
        return total

    def _joining(self) -> list[MergingQuery]:
        """The queries whose turn it is; those that train seldom do not all come in the same step."""
        return [
            query
            for number, query in enumerate(self.queries)
            if (self.step_number + number) % self.turns[query.name] == 0
        ]

    def _backward(self, query: MergingQuery) -> float:
        """Who joins seldom counts as often as the others: only its samples become fewer."""
        loss = self.loss(query) * (self.weights[query.name] * self.turns[query.name])
        self._scaler.scale(loss).backward()
        return float(loss.detach())

    def loss(self, query: MergingQuery, network: torch.nn.Module | None = None) -> torch.Tensor:
        """Of the next batch of `query`, unweighted, in its own network or another one."""
        index = next(self._batches[query.name])
        inputs = query.train.batch(index, self._device)
        self.samples_seen += len(index)
        teaching = query.taught(index, inputs)
        with autocast(self._device, self._precision):
            return functions_for(query.spec).loss(
                network if network is not None else self._shared.networks[query.name],
                inputs,
                truths=[query.train.truths[number] for number in index],
                teaching=teaching,
            )

    def optimiser_states(self) -> dict[int, int]:
        """How often each parameter (by id) has been stepped."""
        return {id(parameter): int(state["step"]) for parameter, state in self._optimiser.state.items()}

    def leave(self, queries: Sequence[str]) -> None:
        """Stops training these queries, and keeps no gradients, moments or averages of what only they use.

        The others go on undisturbed.
        """
        self.queries = tuple(query for query in self.queries if query.name not in queries)
        kept = {id(p) for p in self._shared.parameters(query.name for query in self.queries)}
        for group in self._optimiser.param_groups:
            for parameter in group["params"]:
                if id(parameter) not in kept:
                    parameter.grad = None
                    self._optimiser.state.pop(parameter, None)
                    self.average.forget(parameter)
            group["params"] = [parameter for parameter in group["params"] if id(parameter) in kept]

    def weigh(self, figures: Mapping[str, QueryFigures]) -> None:
        """Sets loss weights and turns by the newest figures of the queries that still train."""
        if self.queries:
            names = [query.name for query in self.queries]
            self.weights, self.turns = loss_weights(figures, names), turns(figures, names)

    def state(self) -> TrainingState:
        return TrainingState(
            started_with=self.started_with,
            queries=tuple(query.name for query in self.queries),
            planned=self.planned,
            step_number=self.step_number,
            samples_seen=self.samples_seen,
            weights=dict(self.weights),
            turns=dict(self.turns),
            frames_drawn={name: batches.drawn for name, batches in self._batches.items()},
            average_updates=self.average.updates,
            scaler=self._scaler.state_dict(),
        )

    def tensors(self) -> dict[str, torch.Tensor]:
        """The running average and the optimiser's state, not copied: they change with the next step."""
        averages = {f"average/{name}": value for name, value in self.average.tensors(self._networks()).items()}
        held = self._optimiser.state_dict()["state"]
        moments = {f"optimiser/{n}/{key}": value for n, values in held.items() for key, value in values.items()}
        return {**averages, **moments}

    def restore(self, state: TrainingState, tensors: Mapping[str, torch.Tensor]) -> None:
        """Goes on, as a new training of `state.started_with`, where an earlier one gave `state` and `tensors`."""
        self.leave([name for name in self.started_with if name not in state.queries])
        self.planned, self.step_number, self.samples_seen = state.planned, state.step_number, state.samples_seen
        self.weights, self.turns = dict(state.weights), dict(state.turns)
        for name, drawn in state.frames_drawn.items():
            self._batches[name].skip(drawn)
        if state.scaler:
            self._scaler.load_state_dict(dict(state.scaler))
        averages = {name.removeprefix("average/"): t for name, t in tensors.items() if name.startswith("average/")}
        self.average.restore(self._networks(), state.average_updates, averages)
        moments: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimiser/"):
                _, number, key = name.split("/")
                moments.setdefault(int(number), {})[key] = tensor
        groups = self._optimiser.state_dict()["param_groups"]
        self._optimiser.load_state_dict({"state": moments, "param_groups": groups})

    def _networks(self) -> dict[str, torch.nn.Module]:
        return {query.name: self._shared.networks[query.name] for query in self.queries}
