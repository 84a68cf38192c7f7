"""One configuration put to the test: share, re-estimate, evaluate, retrain until targets hold or will not.

Merged groups share nothing with one another, so each is accepted on its own as soon as its queries all meet their
targets; the others train on undisturbed. What is accepted is handed out at once, with the weights as shipped. A
strategy may also have the part of a merged group accepted whose queries hold already, until more of it does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch

from workers.merging.configuration import MergeConfiguration, MergedGroup, SharedLayerGroup
from workers.merging.evaluation import details, evaluate
from workers.merging.events import QueryFigures
from workers.merging.evidence import conflict_by_place
from workers.merging.forecast import is_hopeless, is_worth_extending
from workers.merging.history import Attempt
from workers.merging.normalisation import reestimate_normalisation
from workers.merging.queries import MergingQuery
from workers.merging.result import Details
from workers.merging.sharing import Initialisation, SharedNetworks
from workers.merging.shipped import RunningAverage, WeightsBefore, as_shipped, snapshot
from workers.merging.training import JointTraining, TrainingDiverged, TrainingSettings, TrainingState

RATES = (1.0, 0.25)  # of the peak learning rate: at first, and after training diverged
EARLY_EVALUATION = 10  # steps, beside every `evaluate_every`: models of one origin hold their targets almost at once
EXTENSION = 0.5  # of the steps so far
LEAST_GROWTH = 0.02  # of a merged group's saving, for a larger part of it to be accepted on the way


@dataclass(frozen=True)
class AcceptedGroup:
    """A merged group that is kept, with the weights and figures of its queries as shipped."""

    merged: MergedGroup
    states: Mapping[str, Mapping[str, torch.Tensor]]
    validation: Mapping[str, QueryFigures]
    test: Mapping[str, QueryFigures]
    details: Mapping[str, Details] = field(default_factory=dict)


@dataclass(frozen=True)
class TrialSettings:
    """`rounding`: the dtype weights are rounded to before they are measured and shipped, None for none.

    `needs_targets` False keeps a configuration at the end of its training whatever its accuracy.
    `keeps_partial_success`, `accepts_on_the_way`, `reads_conflict`: see history.Strategy.
    """

    training: TrainingSettings
    seed: int
    device: torch.device
    rounding: torch.dtype | None = None
    initialisation: Initialisation = Initialisation.MEMBER
    needs_targets: bool = True
    keeps_partial_success: bool = False
    accepts_on_the_way: bool = False
    reads_conflict: bool = True


@dataclass(frozen=True)
class TrialState:
    """A trial between two steps of its training, but for tensors. `trained`: queries at the first step.

    `divergences`: how often training began anew.
    """

    configuration: MergeConfiguration
    pending: tuple[MergedGroup, ...]
    accepted: frozenset[SharedLayerGroup]
    figures: dict[str, QueryFigures]
    lower_bounds: dict[str, list[float]]
    trained: tuple[str, ...]
    divergences: int
    training: TrainingState


@dataclass(frozen=True)
class TrialTensors:
    """What belongs to a TrialState. `before`: the weights from before training, one object for all of it."""

    before: Mapping[str, torch.Tensor]
    training: Mapping[str, torch.Tensor]


class Observer(Protocol):
    """Hears what a trial does, and says whether it has to end."""

    def should_stop(self) -> bool: ...

    def between_steps(self, trial: "Trial", training: JointTraining) -> None:
        """`trial` is at rest before the next step of `training`: its state and tensors may be taken."""

    def resumed(self, training: JointTraining) -> None: ...

    def steps_affordable(self, training: JointTraining) -> int:
        """How many steps of this training fit the time that is left."""

    def progressed(self, training: JointTraining) -> None: ...

    def evaluated(self, configuration: MergeConfiguration, figures: Mapping[str, QueryFigures]) -> None: ...

    def accepted(self, group: AcceptedGroup) -> None: ...


class Trial:
    """Runs one configuration; `shared` keeps what training reached, for the next one to go on from."""

    def __init__(
        self,
        configuration: MergeConfiguration,
        kept: MergeConfiguration,
        *,
        queries: Sequence[MergingQuery],
        shared: SharedNetworks,
        settings: TrialSettings,
        observer: Observer,
    ) -> None:
        self._configuration, self._shared, self._settings, self._observer = configuration, shared, settings, observer
        self._by_name = {query.name: query for query in queries}
        self._pending = [merged for merged in configuration.merged_groups if not merged.groups <= kept.groups]
        self._accepted = kept.groups
        self._figures: dict[str, QueryFigures] = {}
        self._lower_bounds: dict[str, list[float]] = {query.name: [] for query in queries}

    def run(self) -> Attempt:
        """The outcome. Whatever happens, the configuration that was accepted before stays as it was."""
        self._shared.apply(self._configuration, self._settings.initialisation)
        with self._shared.moved(self._pending_names(), self._settings.device):
            self._measure(None, is_last=False)
            is_over = not self._pending or self._observer.should_stop()
            return self._outcome(None if is_over else self._train())

    def resume(self, state: TrialState, tensors: TrialTensors) -> Attempt:
        """As `run`, from where an earlier one was; `shared` holds its configuration and weights again."""
        self._pending, self._accepted = list(state.pending), state.accepted
        self._figures, self._lower_bounds = dict(state.figures), {k: list(v) for k, v in state.lower_bounds.items()}
        with self._shared.moved(self._pending_names(), self._settings.device):
            return self._outcome(self._train(state, tensors))

    def _outcome(self, training: JointTraining | None) -> Attempt:
        conflict = {}
        is_wanted = self._settings.reads_conflict and not self._observer.should_stop()
        if is_wanted and training is not None and training.queries:
            groups = [group for merged in self._pending for group in merged.groups]
            failing = [name for name in self._pending_names() if not self._figures[name].target_met]
            conflict = conflict_by_place(self._shared, training, groups, failing)
        if training is not None:
            training.leave(training.started_with)
        accepted = MergeConfiguration(frozenset(self._accepted))
        return Attempt(self._configuration, accepted, dict(self._figures), conflict)

    def _normalise(self) -> None:
        for name in self._pending_names():
            reestimate_normalisation(self._shared.networks[name], self._by_name[name].train, self._settings.device)

    def _train(self, state: TrialState | None = None, tensors: TrialTensors | None = None) -> JointTraining | None:
        """The training as it ended; None after it diverged twice, with the weights from before it."""
        self._trained = tuple(self._pending_names()) if state is None else state.trained
        self._before = WeightsBefore(self._networks(self._trained))
        self._divergences = 0
        training = self._new_training(self._trained)
        if state is not None and tensors is not None:
            self._before.tensors, self._divergences = tensors.before, state.divergences
            training = self._new_training(state.training.started_with)
            training.restore(state.training, tensors.training)
            self._observer.resumed(training)
        while True:
            try:
                self._train_until_decided(training)
            except TrainingDiverged:
                training.leave(training.started_with)
                self._before.restore(self._networks(self._pending_names()))
                self._divergences += 1
                if self._divergences == len(RATES):
                    return None
                training = self._new_training(self._pending_names())
            else:
                training.average.adopt(self._networks(self._pending_names()))
                return training

    def _new_training(self, names: Sequence[str]) -> JointTraining:
        settings = self._settings.training
        return JointTraining(
            self._shared,
            [self._by_name[name] for name in names],
            replace(settings, peak_rate=settings.peak_rate * RATES[self._divergences]),
            seed=self._settings.seed,
            device=self._settings.device,
        )

    def state(self, training: JointTraining) -> TrialState:
        """To be asked for between two steps of `training` only."""
        return TrialState(
            configuration=self._configuration,
            pending=tuple(self._pending),
            accepted=frozenset(self._accepted),
            figures=dict(self._figures),
            lower_bounds={name: list(bounds) for name, bounds in self._lower_bounds.items()},
            trained=self._trained,
            divergences=self._divergences,
            training=training.state(),
        )

    def tensors(self, training: JointTraining) -> TrialTensors:
        return TrialTensors(self._before.tensors, training.tensors())

    def _train_until_decided(self, training: JointTraining) -> None:
        while training.queries:
            self._observer.between_steps(self, training)
            if self._observer.should_stop():
                return
            training.step()
            training.planned = min(
                training.planned, max(training.step_number, self._observer.steps_affordable(training))
            )
            self._observer.progressed(training)
            is_last = training.step_number >= training.planned
            is_due = is_last or training.step_number % training.settings.evaluate_every == 0
            if is_due or training.step_number == EARLY_EVALUATION:
                training.leave(self._measure(training.average, is_last=is_last))
                training.weigh(self._figures)
            if is_due:
                for name in self._pending_names():
                    self._lower_bounds[name].append(self._figures[name].lower_bound)
                if is_last and not self._extend(training):
                    return
                if self._all_hopeless(training):
                    return

    def _measure(self, average: RunningAverage | None, *, is_last: bool) -> list[str]:
        """Evaluates what is pending and accepts what may be; the queries that are thereby done."""
        names = self._pending_names()
        with as_shipped(
            self._networks(names), average=average, rounding=self._settings.rounding, normalise=self._normalise
        ):
            for name in names:
                self._figures[name] = self._evaluate(name, "validation")
            self._observer.evaluated(self._configuration, self._figures)
            may_end = is_last or self._settings.needs_targets
            held = [merged for merged in self._pending if may_end and self._is_good(merged)]
            for merged in held:
                self._accept(merged)
            if self._settings.accepts_on_the_way:
                for merged in self._pending:
                    if merged not in held:
                        self._accept_what_holds(merged)
        self._pending = [merged for merged in self._pending if merged not in held]
        done = [name for merged in held for name in merged.queries]
        if average is not None:  # later trials build on what was accepted, so on what is shipped
            average.adopt(self._networks(done))
        return done

    def _is_good(self, merged: MergedGroup) -> bool:
        return not self._settings.needs_targets or all(self._figures[name].target_met for name in merged.queries)

    def _accept_what_holds(self, merged: MergedGroup) -> None:
        """The part of `merged` whose queries meet their targets, where it saves more than what they have by now."""
        missing = [place for group in merged.groups for place in group.places if self._misses(place.query)]
        part = MergeConfiguration(merged.groups).without_places(missing)
        growth = part.saved_bytes - self._accepted_saving(merged)
        if growth > LEAST_GROWTH * MergeConfiguration(merged.groups).saved_bytes:
            for found in part.merged_groups:
                self._accept(found)

    def _misses(self, query: str) -> bool:
        return not self._figures[query].target_met

    def _accepted_saving(self, merged: MergedGroup) -> int:
        return sum(group.saved_bytes for group in self._accepted if not group.queries.isdisjoint(merged.queries))

    def _accept(self, merged: MergedGroup) -> None:
        """Hands `merged` out, unless a part of it that was accepted on the way in another configuration saves more."""
        is_better = MergeConfiguration(merged.groups).saved_bytes >= self._accepted_saving(merged)
        earlier = (group for group in self._accepted if group.queries.isdisjoint(merged.queries))
        self._accepted = merged.groups.union(earlier)
        if not is_better:
            return
        self._observer.accepted(
            AcceptedGroup(
                merged,
                {name: snapshot(self._shared.networks[name]) for name in merged.queries},
                {name: self._figures[name] for name in merged.queries},
                {name: self._evaluate(name, "test") for name in merged.queries},
                {name: found for name in merged.queries if (found := self._details(name)) is not None},
            )
        )

    def _evaluate(self, name: str, split: str) -> QueryFigures:
        query = self._by_name[name]
        return evaluate(
            name,
            self._shared.networks[name],
            query.validation if split == "validation" else query.test,
            query.part.accuracy_target,
            seed=self._settings.seed,
            device=self._settings.device,
        )

    def _details(self, name: str) -> Details | None:
        query = self._by_name[name]
        return details(self._shared.networks[name], query.test, self._settings.device)

    def _extend(self, training: JointTraining) -> bool:
        """Plans more steps where they would probably do: un-sharing costs memory that only time was missing for."""
        longer = min(training.settings.most_steps, round(training.planned * (1 + EXTENSION)))
        if not self._settings.needs_targets or not self._pending or longer <= training.planned:
            return False
        is_worth_it = any(
            all(
                is_worth_extending(self._lower_bounds[name], self._figures[name].target, extension=EXTENSION)
                for name in merged.queries
            )
            for merged in self._pending
        )
        if is_worth_it:
            training.planned = longer
        return is_worth_it

    def _all_hopeless(self, training: JointTraining) -> bool:
        """Whether every pending merged group is lost: by one hopeless query, or by all that miss their targets."""
        if not self._settings.needs_targets:
            return False
        done = training.step_number / training.planned
        is_lost = all if self._settings.keeps_partial_success else any
        return all(
            is_lost(
                is_hopeless(self._lower_bounds[name], self._figures[name].target, done_fraction=done)
                for name in merged.queries
                if not self._figures[name].target_met
            )
            for merged in self._pending
        )

    def _pending_names(self) -> list[str]:
        return sorted(name for merged in self._pending for name in merged.queries)

    def _networks(self, names: Sequence[str]) -> dict[str, torch.nn.Module]:
        return {name: self._shared.networks[name] for name in names}
