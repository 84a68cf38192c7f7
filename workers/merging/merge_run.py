"""One merge run over loaded queries: asks the strategy what to try, tries it, keeps what is accepted, tells of it.

The order on acceptance is bundle, then result.json, then the event: whoever hears of an accepted configuration finds it
on disk, and a kill afterwards loses nothing of it.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from edge_runtime.vision.inventory import layer_inventory
from workers.merging import sentences
from workers.merging.checkpoint import Checkpoint, CheckpointNotWritten, Tensors, require_same
from workers.merging.configuration import MergeConfiguration
from workers.merging.disagreements import write_disagreements
from workers.merging.disk import DiskUsage, disk_usage
from workers.merging.evaluation import original_accuracy
from workers.merging.events import EventType, last_seconds
from workers.merging.frames import MEMORY_LAYOUT
from workers.merging.history import Attempt, History, Proposal, Start, Strategy
from workers.merging.identity import options_identity, workload_identity
from workers.merging.ledger import Ledger
from workers.merging.matching import maximal_configuration
from workers.merging.memory import layer_content
from workers.merging.options import ROUNDINGS, RunOptions
from workers.merging.progress import Progress
from workers.merging.queries import MergingQuery
from workers.merging.result import Result, Saving, Step, read_result, shared_layers, write_result
from workers.merging.run_folder import EVENTS, RunFolder
from workers.merging.run_state import (
    PastAttempt,
    RunState,
    decode_state,
    random_states,
    restore_random_states,
)
from workers.merging.sharing import SharedNetworks
from workers.merging.shipped import snapshot
from workers.merging.training import JointTraining
from workers.merging.trial import AcceptedGroup, Trial, TrialSettings, TrialState, TrialTensors


class MergeRun:
    """One run over loaded queries. Its parts: a ledger of what is accepted, and the networks being merged."""

    def __init__(
        self,
        queries: Sequence[MergingQuery],
        out: Path,
        options: RunOptions,
        progress: Progress,
        usage: DiskUsage = disk_usage,
    ) -> None:
        self._queries, self._options, self._progress = tuple(queries), options, progress
        self._ledger = Ledger(queries)
        self._folder = RunFolder(out, self._ledger.bytes_before, usage)
        self._starts = {query.name: snapshot(query.start) for query in queries if query.start is not None}
        networks = {
            query.name: _trainable_copy(query.original if query.start is None else query.start) for query in queries
        }
        inventories = {name: layer_inventory(network) for name, network in networks.items()}
        contents = {
            (name, layer.name): layer_content(self._ledger.original_entries(name), layer.parameters)
            for name, layers in inventories.items()
            for layer in layers
        }
        self._maximal = maximal_configuration(inventories, contents, options.match, joins_repeats=options.joins_repeats)
        self._layers = {name: tuple(layer.name for layer in layers) for name, layers in inventories.items()}
        self._shared = SharedNetworks(networks, donors=hardest_first(queries))
        self._history = History(self._maximal, layers=self._layers)
        self._steps: list[Step] = []
        self._savings: list[Saving] = []
        self._identity = options_identity(options) | workload_identity(
            queries, {query.name: self._ledger.original_entries(query.name) for query in queries}
        )
        progress.attach(self._ledger, self._shared, self._keep, self._checkpoint)

    def run(self, chosen: Strategy) -> Result:
        """From the beginning; what an earlier run left in the folder goes. Raises DiskFull before anything else."""
        self._folder.start_anew()
        torch.manual_seed(self._options.seed)
        self._progress.tell(EventType.STARTED, sentences.opening(self._maximal, len(self._queries)))
        return self._search(chosen)

    def require_same(self, checkpoint: Checkpoint) -> None:
        """Raises CheckpointOfAnotherRun."""
        require_same(checkpoint.identity, self._identity)

    def resume(self, chosen: Strategy, checkpoint: Checkpoint) -> Result:
        """From a checkpoint of this very run. Raises CheckpointDamaged."""
        state = decode_state(checkpoint.state)
        weights = self._folder.go_on(state.bundle) if state.accepted else {}
        self._progress.count_from(seconds_spent(self._folder.out, state))
        self._progress.restore(state.progress)
        self._ledger.restore(state.accepted, weights)
        self._steps, self._savings = list(state.steps), list(state.savings)
        self._history = replace(self._history, attempts=tuple(past.attempt() for past in state.attempts))
        if state.is_finished or self._has_used_its_limits():
            result = read_result(self._folder.result)
            self._progress.tell(EventType.FINISHED, sentences.closing(result, is_finished=True))
            return result
        self._shared.restore(state.shared, checkpoint.parts["networks"])
        restore_random_states(checkpoint.parts["random"])
        self._progress.tell(EventType.RESUMED, sentences.resumed(state))
        if state.trial is not None and not self._progress.should_stop():
            trial = self._trial(state.trial.configuration, chosen)
            tensors = TrialTensors(checkpoint.parts["before"], checkpoint.parts["training"])
            self._record(trial.resume(state.trial, tensors))
        return self._search(chosen)

    def _has_used_its_limits(self) -> bool:
        path = self._folder.result
        return self._progress.should_stop() and path.exists() and read_result(path).finished

    def _search(self, chosen: Strategy) -> Result:
        while not self._progress.should_stop():
            proposal = chosen.next_proposal(self._history)
            if proposal is None:
                return self._finish(is_exhausted=True)
            self._record(self._attempt(proposal, chosen))
        return self._finish(is_exhausted=False)

    def _attempt(self, proposal: Proposal, chosen: Strategy) -> Attempt:
        self._progress.tell(EventType.PROGRESS, sentences.trying(proposal.configuration, self._maximal))
        if proposal.start is Start.ACCEPTED:
            self._return_to_accepted()
        return self._trial(proposal.configuration, chosen).run()

    def _trial(self, configuration: MergeConfiguration, chosen: Strategy) -> Trial:
        return Trial(
            configuration,
            self._ledger.configuration,
            queries=self._queries,
            shared=self._shared,
            settings=self._trial_settings(chosen),
            observer=self._progress,
        )

    def _record(self, attempt: Attempt) -> None:
        self._history = replace(self._history, attempts=(*self._history.attempts, attempt))
        self._steps.append(self._step(attempt))
        if attempt.rejected_groups and not self._progress.is_cancelled():
            self._progress.tell(EventType.REJECTED, sentences.rejected(attempt))
        is_whole = not attempt.rejected_groups or bool(attempt.conflict) or not self._progress.should_stop()
        if is_whole and self._progress.is_checkpoint_due:  # one that was cut short goes on from where it was cut
            self._checkpoint()

    def _return_to_accepted(self) -> None:
        """Every query has what it would run on the box now, what was accepted, as shipped, or what it started from."""
        self._shared.apply(self._ledger.configuration)
        accepted = self._ledger.configuration.queries
        for name, network in self._shared.networks.items():
            start = None if name in accepted else self._starts.get(name)
            network.load_state_dict(self._ledger.weights(name) if start is None else start)

    def _trial_settings(self, chosen: Strategy) -> TrialSettings:
        return TrialSettings(
            training=self._options.training,
            seed=self._options.seed,
            device=torch.device(self._options.device),
            rounding=ROUNDINGS[self._options.rounding],
            initialisation=self._options.initialisation,
            needs_targets=chosen.has_accuracy_targets,
            keeps_partial_success=chosen.keeps_partial_success,
            accepts_on_the_way=chosen.accepts_on_the_way,
            reads_conflict=chosen.reads_conflict,
        )

    def _keep(self, group: AcceptedGroup) -> None:
        self._ledger.accept(group)
        saved = self._ledger.bytes_before - self._ledger.bytes_after
        progress = self._progress
        self._savings.append(Saving(round(progress.seconds, 3), progress.samples_seen, saved, self._bundle + 1))
        self._folder.write_bundle(self._bundle, self._ledger.bundled())
        write_result(self._folder.result, self._result(is_finished=False))

    def _checkpoint(self, trial: Trial | None = None, training: JointTraining | None = None) -> None:
        """`trial` and `training`: what is going on. Where it cannot be written, the run goes on, and says so."""
        started = self._progress.seconds
        parts: dict[str, Tensors] = {"networks": self._shared.tensors(), "random": random_states()}
        going_on = None
        if trial is not None and training is not None:
            going_on, tensors = trial.state(training), trial.tensors(training)
            parts |= {"before": tensors.before, "training": tensors.training}
        self._write_checkpoint(self._state(going_on), parts)
        self._progress.checkpointed(self._progress.seconds - started)

    def _write_checkpoint(self, state: RunState, parts: Mapping[str, Tensors]) -> None:
        try:
            self._folder.write_checkpoint(self._identity, state, parts)
        except CheckpointNotWritten as error:
            self._progress.tell(EventType.PROGRESS, f"{error} The run goes on and tries again.")

    @property
    def _bundle(self) -> int:
        """The number of the newest bundle."""
        return len(self._savings)

    def _state(self, trial: TrialState | None, *, is_finished: bool = False) -> RunState:
        return RunState(
            progress=self._progress.state(),
            attempts=tuple(map(PastAttempt.of, self._history.attempts)),
            steps=tuple(self._steps),
            savings=tuple(self._savings),
            accepted=self._ledger.state(),
            bundle=self._bundle,
            shared=self._shared.configuration,
            trial=trial,
            is_finished=is_finished,
        )

    def _step(self, attempt: Attempt) -> Step:
        return Step(
            seconds=round(self._progress.seconds, 3),
            samples_seen=self._progress.samples_seen,
            saved_bytes=attempt.configuration.saved_bytes,
            configuration=shared_layers(attempt.configuration),
            accepted=not attempt.rejected_groups,
            queries=tuple(attempt.figures[name] for name in sorted(attempt.figures)),
        )

    def _finish(self, *, is_exhausted: bool) -> Result:
        """A search that is over leaves a checkpoint that says so; one that was ended leaves the way to go on."""
        is_finished = is_exhausted or not self._progress.is_cancelled()
        result = self._result(is_finished=is_finished)
        if not self._savings:
            self._folder.write_bundle(self._bundle, self._ledger.bundled())
        self._folder.finish(self._bundle)
        write_result(self._folder.result, result)
        self._write_disagreements()
        if is_exhausted:
            self._write_checkpoint(self._state(None, is_finished=True), {})
        kind = EventType.FINISHED if is_finished else EventType.CANCELLED
        self._progress.tell(kind, sentences.closing(result, is_finished=is_finished))
        return result

    def _write_disagreements(self) -> None:
        """Examples for whoever decides; a run that cannot write them has its result all the same."""
        merged = {name for group in self._ledger.merged_groups() for name in group.queries}
        weights = {name: self._ledger.weights(name) for name in merged}
        try:
            write_disagreements(self._folder.out, self._queries, weights, torch.device(self._options.device))
        except OSError as error:
            why = error.strerror or error
            self._progress.tell(EventType.PROGRESS, f"No frames on which the models disagree could be kept: {why}.")

    def _result(self, *, is_finished: bool) -> Result:
        before, after = self._ledger.bytes_before, self._ledger.bytes_after
        optimum, saved = self._maximal.saved_bytes, self._ledger.configuration.saved_bytes
        return Result(
            strategy=self._options.strategy,
            seed=self._options.seed,
            bytes_before=before,
            bytes_after=after,
            saved_fraction=(before - after) / before,
            optimum_fraction=saved / optimum if optimum else 0.0,
            seconds=round(self._progress.seconds, 3),
            samples_seen=self._progress.samples_seen,
            steps=tuple(self._steps),
            merged_groups=self._ledger.merged_groups(),
            queries=self._ledger.query_results(),
            finished=is_finished,
            match=self._options.match,
            joins_repeats=self._options.joins_repeats,
            savings=tuple(self._savings),
        )


def _trainable_copy(original: torch.nn.Module) -> torch.nn.Module:
    network: torch.nn.Module = copy.deepcopy(original).cpu().requires_grad_(True)
    return network.to(memory_format=MEMORY_LAYOUT)  # type: ignore[call-overload]  # missing in stubs


def hardest_first(queries: Sequence[MergingQuery]) -> list[str]:
    """Queries by the accuracy of their originals, lowest first: features for hard work also serve the easy one."""
    return [
        query.name for query in sorted(queries, key=lambda query: (original_accuracy(query.validation), query.name))
    ]


def seconds_spent(out: Path, state: RunState) -> float:
    """Those between the checkpoint and the kill count as well."""
    return max(state.progress.seconds, last_seconds(out / EVENTS))
