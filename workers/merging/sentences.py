"""What a merge run says to people while it runs, each in one sentence."""

from edge_runtime.protocol.sizes import format_size
from workers.merging.configuration import MergeConfiguration
from workers.merging.history import Attempt
from workers.merging.result import Result
from workers.merging.run_state import RunState


def opening(maximal: MergeConfiguration, queries: int) -> str:
    if not maximal.groups:
        return f"The models of these {queries} queries have no identical layers: there is nothing to merge."
    return f"Found {len(maximal.groups)} shared layer groups that could save {format_size(maximal.saved_bytes)}."


def resumed(state: RunState) -> str:
    trial = state.trial
    where = f" at step {trial.training.step_number} of {trial.training.planned}" if trial is not None else ""
    return f"Resumed{where}, after {state.progress.samples_seen:,} samples: nothing that was reached before is lost."


def trying(configuration: MergeConfiguration, maximal: MergeConfiguration) -> str:
    queries = f"{len(configuration.queries)} queries"
    if configuration == maximal:
        return f"Sharing all {len(maximal.groups)} identical layers of {queries} at once."
    share = configuration.saved_bytes / maximal.saved_bytes
    return f"Sharing {len(configuration.groups)} layers of {queries}, worth {share:.0%} of what is possible."


def rejected(attempt: Attempt) -> str:
    failing = sorted(name for name, figures in attempt.figures.items() if not figures.target_met)
    return f"{', '.join(failing) or 'Some queries'} would miss the accuracy target with all of these layers shared."


def closing(result: Result, *, is_finished: bool) -> str:
    kept = f"{len(result.merged_groups)} merged groups are kept, saving {result.saved_fraction:.0%} of the memory."
    return kept if is_finished else f"Cancelled; {kept}"
