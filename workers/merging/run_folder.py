"""DIR of a merge run: bundles, result.json, events.jsonl, checkpoint/. Owns what is kept and what has to go.

Where space is short, older bundles go first, then an error says so; it is looked at before anything is trained.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from workers.merging.bundle import (
    BundleDamaged,
    BundledQuery,
    State,
    keep_bundles,
    merged_weights,
    remove_bundles,
    write_merge_bundle,
)
from workers.merging.checkpoint import START_ANEW, CheckpointDamaged, CheckpointFolder, Tensors
from workers.merging.disagreements import FILE as DISAGREEMENTS
from workers.merging.disk import DiskUsage, bundle_not_written, require_space
from workers.merging.run_state import RunState, encode_state

CHECKPOINT, EVENTS, RESULT = "checkpoint", "events.jsonl", "result.json"
# A checkpoint: weights, their average, two moments, weights before; while it is replaced, the first four twice.
# A bundle: originals and merged weights; and the merged ones of the next.
WEIGHT_COPIES = 12
BUNDLE_COPIES = 2


class RunFolder:
    """`weight_bytes`: of all originals together."""

    def __init__(self, out: Path, weight_bytes: int, usage: DiskUsage) -> None:
        self.out, self._weight_bytes, self._usage = out, weight_bytes, usage
        self._checkpoints = CheckpointFolder(out / CHECKPOINT)
        self._checkpointed_bundle = 0
        self.result = out / RESULT

    def start_anew(self) -> None:
        """Removes what an earlier run left. Raises DiskFull before it does."""
        require_space(self.out, WEIGHT_COPIES * self._weight_bytes, "the checkpoint and bundles", self._usage)
        self._checkpoints.remove()
        self.result.unlink(missing_ok=True)
        (self.out / DISAGREEMENTS).unlink(missing_ok=True)
        remove_bundles(self.out)

    def go_on(self, bundle: int) -> Mapping[str, State]:
        """The merged weights of the bundle that a checkpoint names. Raises CheckpointDamaged."""
        self._checkpointed_bundle = bundle
        try:
            return merged_weights(self.out, bundle)
        except BundleDamaged as error:
            raise CheckpointDamaged(f"{error} {START_ANEW}.") from error

    def write_bundle(self, number: int, queries: Iterable[BundledQuery]) -> None:
        """Raises DiskFull."""
        if self._usage(self.out).free < BUNDLE_COPIES * self._weight_bytes:
            keep_bundles(self.out, {self._checkpointed_bundle, number - 1, number})
        try:
            write_merge_bundle(self.out, number, queries)
        except OSError as error:
            raise bundle_not_written(self.out, error) from error

    def write_checkpoint(self, identity: Mapping[str, str], state: RunState, parts: Mapping[str, Tensors]) -> None:
        """Raises CheckpointNotWritten."""
        self._checkpoints.write(identity, encode_state(state), parts)
        self._checkpointed_bundle = state.bundle

    def finish(self, newest: int) -> None:
        """Removes bundles that a killed run wrote and this one never came to."""
        keep_bundles(self.out, range(newest + 1))
