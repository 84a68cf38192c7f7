"""The box under test, a process of its own: `gemel-edge run` with an auditor who times every answer by his own clock.

At its end it writes what the auditor saw: how many answers each query got, and the latest of them.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

# Before torch is imported, as the command line does.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import msgspec

from edge_runtime import app
from edge_runtime.serving import executor as serving
from edge_runtime.serving.engine import Result


class Answers(msgspec.Struct):
    """`longest_ms`: capture to answer as the box measured it. `seen_late`: how many the auditor saw late."""

    count: int = 0
    longest_ms: float = 0.0
    seen_late: int = 0


AUDIT: dict[str, Answers] = {}


class AuditedExecutor(serving.Executor):
    late_ms = 0.0

    def __init__(self, **arguments: Any) -> None:
        listener = arguments.pop("on_result")

        def on_result(result: Result) -> None:
            _audit(result, self.late_ms)
            listener(result)

        super().__init__(**arguments, on_result=on_result)


def _audit(result: Result, late_ms: float) -> None:
    seen = AUDIT.setdefault(result.query, Answers())
    seen.count += 1
    seen.longest_ms = max(seen.longest_ms, result.latency_ms)
    seen.seen_late += 1000 * (time.monotonic() - result.frame.captured_at) > late_ms


def main(state_dir: Path, bytes_for_models: int, audit: Path, late_ms: float) -> None:
    AuditedExecutor.late_ms = late_ms
    serving.Executor = AuditedExecutor  # type: ignore[misc]
    memory_budget = bytes_for_models + app.overhead_bytes(app.chosen_device("auto"))
    app.run(app.Options(state_dir=state_dir, memory_budget=memory_budget, policy="layerwise"))
    audit.write_bytes(msgspec.json.encode(AUDIT))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]))
    # As the command line ends: threads that hang in a camera's network read do not hold it up.
    os._exit(0)
