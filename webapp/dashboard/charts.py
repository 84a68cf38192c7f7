"""Stored samples as columns for the charts of a page: one list per line, the first one Unix seconds."""

from collections.abc import Iterable

from webapp.telemetry.models import BoxSample, QuerySample

MEMORY_BANDS = ("overhead", "activations", "private", "shared", "free")


def memory_points(samples: Iterable[BoxSample]) -> dict[str, list[float]]:
    """Bytes per band and the budget, oldest first."""
    points: dict[str, list[float]] = {name: [] for name in ("at", *MEMORY_BANDS, "budget")}
    for sample in samples:
        points["at"].append(sample.at.timestamp())
        for band in (*MEMORY_BANDS, "budget"):
            points[band].append(getattr(sample, f"memory_{band}"))
    return points


def query_points(samples: Iterable[QuerySample]) -> dict[str, list[float | None]]:
    """Frames per sample, latencies in ms and agreement as a fraction, oldest first."""
    points: dict[str, list[float | None]] = {
        name: [] for name in ("at", "processed", "lost", "latency_p50_ms", "latency_p95_ms", "agreement")
    }
    for sample in samples:
        points["at"].append(sample.at.timestamp())
        points["processed"].append(sample.processed)
        points["lost"].append(sample.dropped + sample.late)
        for name in ("latency_p50_ms", "latency_p95_ms", "agreement"):
            points[name].append(getattr(sample, name))
    return points
