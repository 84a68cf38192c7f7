"""A merge run: asks the strategy what to try, tries it, keeps what is accepted on disk, tells what happens.

The Python API is `merge`. The order on acceptance is bundle, then result.json, then the event: whoever hears of an
accepted configuration finds it on disk, and a kill afterwards loses nothing of it.
"""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import format_size
from edge_runtime.vision.inventory import layer_inventory
from workers.merging.bundle import write_merge_bundle
from workers.merging.configuration import MergeConfiguration
from workers.merging.evaluation import original_accuracy
from workers.merging.events import EventFile, EventType, Listener
from workers.merging.frames import MEMORY_LAYOUT
from workers.merging.history import Attempt, History, Proposal, Start, Strategy
from workers.merging.ledger import Ledger
from workers.merging.matching import Match, maximal_configuration
from workers.merging.memory import layer_content
from workers.merging.progress import Progress
from workers.merging.queries import MergingQuery, load_queries
from workers.merging.result import Result, Step, shared_layers, write_result
from workers.merging.sharing import Initialisation, SharedNetworks
from workers.merging.strategies import DEFAULT, strategy
from workers.merging.training import TrainingSettings
from workers.merging.trial import AcceptedGroup, Trial, TrialSettings
from workers.merging.workload import WorkloadFile

ROUNDINGS: Mapping[str | None, torch.dtype | None] = {None: None, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class RunOptions:
    """`rounding`: "float16" measures and ships weights rounded to it (they stay float32 tensors).

    `sample_limit` ends the run as `time_limit_s` does, once that many samples were seen. `resume` goes on from the
    checkpoint in the run's folder, if there is one.
    """

    strategy: str = DEFAULT
    seed: int = 1
    time_limit_s: float | None = None
    device: str = "cpu"
    rounding: str | None = None
    initialisation: Initialisation = Initialisation.MEMBER
    match: Match = Match.EXACT
    resume: bool = False
    sample_limit: int | None = None
    training: TrainingSettings = field(default_factory=TrainingSettings)


def merge(
    file: WorkloadFile,
    out: Path,
    options: RunOptions = RunOptions(),
    *,
    listeners: Sequence[Listener] = (),
    is_cancelled: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Runs to the end, the time limit or cancellation; what was accepted until then is in `out` and in the result.

    Raises GemelError for input that cannot be used, after a "failed" event.
    """
    out.mkdir(parents=True, exist_ok=True)
    log = EventFile(out / "events.jsonl")
    progress = Progress((log, *listeners), clock=clock, time_limit_s=options.time_limit_s, is_cancelled=is_cancelled)
    try:
        chosen = strategy(options.strategy)
        progress.tell(EventType.PROGRESS, "Reading weights and frames.")
        queries = tuple(load_queries(file, torch.device(options.device)))
        return MergeRun(queries, out, options, progress).run(chosen)
    except GemelError as error:
        progress.tell(EventType.FAILED, str(error))
        raise
    finally:
        log.close()


class MergeRun:
    """One run over loaded queries. Its parts: a ledger of what is accepted, and the networks being merged."""

    def __init__(self, queries: Sequence[MergingQuery], out: Path, options: RunOptions, progress: Progress) -> None:
        self._queries, self._out, self._options, self._progress = tuple(queries), out, options, progress
        self._ledger = Ledger(queries)
        networks = {query.name: _trainable_copy(query.original) for query in queries}
        inventories = {name: layer_inventory(network) for name, network in networks.items()}
        contents = {
            (name, layer.name): layer_content(self._ledger.original_entries(name), layer.parameters)
            for name, layers in inventories.items()
            for layer in layers
        }
        self._maximal = maximal_configuration(inventories, contents)
        self._layers = {name: tuple(layer.name for layer in layers) for name, layers in inventories.items()}
        self._shared = SharedNetworks(networks, donors=hardest_first(queries))
        self._steps: list[Step] = []
        progress.attach(self._ledger, self._shared, self._keep)

    def run(self, chosen: Strategy) -> Result:
        torch.manual_seed(self._options.seed)
        self._progress.tell(EventType.STARTED, _opening(self._maximal, len(self._queries)))
        history = History(self._maximal, layers=self._layers)
        while not self._progress.should_stop():
            proposal = chosen.next_proposal(history)
            if proposal is None:
                break
            attempt = self._attempt(proposal, chosen)
            history = replace(history, attempts=(*history.attempts, attempt))
        return self._finish()

    def _attempt(self, proposal: Proposal, chosen: Strategy) -> Attempt:
        self._progress.tell(EventType.PROGRESS, _trying(proposal.configuration, self._maximal))
        if proposal.start is Start.ACCEPTED:
            self._return_to_accepted()
        attempt = Trial(
            proposal.configuration,
            self._ledger.configuration,
            queries=self._queries,
            shared=self._shared,
            settings=self._trial_settings(chosen),
            observer=self._progress,
        ).run()
        self._steps.append(self._step(attempt))
        if attempt.rejected_groups and not self._progress.is_cancelled():
            self._progress.tell(EventType.REJECTED, _rejected(attempt))
        return attempt

    def _return_to_accepted(self) -> None:
        """Every query runs what it would run on the box now: what was accepted, as shipped, or its original."""
        self._shared.apply(self._ledger.configuration)
        for name, network in self._shared.networks.items():
            network.load_state_dict(self._ledger.weights(name))

    def _trial_settings(self, chosen: Strategy) -> TrialSettings:
        return TrialSettings(
            training=self._options.training,
            seed=self._options.seed,
            device=torch.device(self._options.device),
            rounding=ROUNDINGS[self._options.rounding],
            initialisation=self._options.initialisation,
            needs_targets=chosen.has_accuracy_targets,
            keeps_partial_success=chosen.keeps_partial_success,
        )

    def _keep(self, group: AcceptedGroup) -> None:
        self._ledger.accept(group)
        write_merge_bundle(self._out / "bundle", self._ledger.bundled())
        write_result(self._out / "result.json", self._result(is_finished=False))

    def _step(self, attempt: Attempt) -> Step:
        return Step(
            seconds=round(self._progress.seconds, 3),
            samples_seen=self._progress.samples_seen,
            saved_bytes=attempt.configuration.saved_bytes,
            configuration=shared_layers(attempt.configuration),
            accepted=not attempt.rejected_groups,
            queries=tuple(attempt.figures[name] for name in sorted(attempt.figures)),
        )

    def _finish(self) -> Result:
        is_finished = not self._progress.is_cancelled()
        result = self._result(is_finished=is_finished)
        write_merge_bundle(self._out / "bundle", self._ledger.bundled())
        write_result(self._out / "result.json", result)
        kind = EventType.FINISHED if is_finished else EventType.CANCELLED
        self._progress.tell(kind, _closing(result, is_finished=is_finished))
        return result

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
        )


def _trainable_copy(original: torch.nn.Module) -> torch.nn.Module:
    network: torch.nn.Module = copy.deepcopy(original).requires_grad_(True)
    return network.to(memory_format=MEMORY_LAYOUT)  # type: ignore[call-overload]  # missing in stubs


def hardest_first(queries: Sequence[MergingQuery]) -> list[str]:
    """Queries by the accuracy of their originals, lowest first: features for hard work also serve the easy one."""
    return [
        query.name for query in sorted(queries, key=lambda query: (original_accuracy(query.validation), query.name))
    ]


def _opening(maximal: MergeConfiguration, queries: int) -> str:
    if not maximal.groups:
        return f"The models of these {queries} queries have no identical layers: there is nothing to merge."
    return f"Found {len(maximal.groups)} shared layer groups that could save {format_size(maximal.saved_bytes)}."


def _trying(configuration: MergeConfiguration, maximal: MergeConfiguration) -> str:
    queries = f"{len(configuration.queries)} queries"
    if configuration == maximal:
        return f"Sharing all {len(maximal.groups)} identical layers of {queries} at once."
    share = configuration.saved_bytes / maximal.saved_bytes
    return f"Sharing {len(configuration.groups)} layers of {queries}, worth {share:.0%} of what is possible."


def _rejected(attempt: Attempt) -> str:
    failing = sorted(name for name, figures in attempt.figures.items() if not figures.target_met)
    return f"{', '.join(failing) or 'Some queries'} would miss the accuracy target with all of these layers shared."


def _closing(result: Result, *, is_finished: bool) -> str:
    kept = f"{len(result.merged_groups)} merged groups are kept, saving {result.saved_fraction:.0%} of the memory."
    return kept if is_finished else f"Cancelled; {kept}"
