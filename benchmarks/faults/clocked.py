"""Runs a module with a clock that can be moved: `python -m benchmarks.faults.clocked OFFSET_FILE MODULE ARGUMENTS...`.

The file holds seconds to add, or is not there. Only this process sees them; the machine's clock is left alone.
"""

import os
import runpy
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

_real = time.time


def offset_s(path: Path) -> float:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return 0.0


def main(path: Path, module: str) -> None:
    time.time = lambda: _real() + offset_s(path)  # type: ignore[assignment]
    if module != "edge_runtime":
        from django.utils import timezone

        timezone.now = lambda: datetime.fromtimestamp(time.time(), UTC)
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before torch, as the box's own command line does
    main(Path(sys.argv[1]), sys.argv[2])
