"""The real merging core in a process of its own, quick and checkpointing after every step, that may kill itself.

Usage: merge_process.py WORKLOAD OUT KILL_AT [--resume]. KILL_AT: samples seen, "-" for never; a resumed process is not
killed. Events go to standard output.
"""

import os
import signal
import sys
from pathlib import Path

from workers.merging.events import Event, stream_listener
from workers.merging.run import RunOptions, merge
from workers.merging.training import TrainingSettings
from workers.merging.workload import load_workload

TRAINING = TrainingSettings(batch=4, least_steps=8, most_steps=8, evaluate_every=3)


def main(workload: str, out: str, kill_at: str, *flags: str) -> None:
    is_resumed = "--resume" in flags

    def kill(event: Event) -> None:
        if kill_at != "-" and not is_resumed and event.samples_seen >= int(kill_at):
            os.kill(os.getpid(), signal.SIGKILL)

    merge(
        load_workload(Path(workload)),
        Path(out),
        RunOptions(strategy="maximal", training=TRAINING, resume=is_resumed),
        listeners=[stream_listener(sys.stdout), kill],
        checkpoint_every_s=0.0,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
