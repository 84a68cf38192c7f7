"""Where and with what a benchmark ran, and where its result goes."""

import importlib.metadata
import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from edge_runtime.health.accelerators import Accelerators

RESULTS = Path(__file__).parent / "results"
_PACKAGES = ("torch", "torchvision", "numpy")


def circumstances(packages: Sequence[str] = _PACKAGES) -> dict[str, Any]:
    """Load average included: figures from a busy machine compare runs, they are no absolute speeds."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "platform": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "gpus": [sample.name for sample in Accelerators().read()],
            "load_average": [round(load, 1) for load in psutil.getloadavg()],
        },
        "versions": {
            "python": platform.python_version(),
            **{package: importlib.metadata.version(package) for package in packages},
        },
    }


def save(name: str, result: dict[str, Any], packages: Sequence[str] = _PACKAGES) -> Path:
    """Writes benchmarks/results/<name>.json with the circumstances beside the figures."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({**circumstances(packages), **result}, indent=2) + "\n")
    return path


def named(name: str, device: str) -> str:
    """Of the file of results: what ran on a GPU does not replace what ran on the processor."""
    return name if device == "cpu" else f"{name}_{device}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.processor())
