"""Which statistics are acceptable. Pure: a box is not trusted to send numbers that the database can hold."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from edge_runtime.protocol.errors import ProtocolError
from edge_runtime.protocol.messages import HostSample, QuerySample, Stats

COUNT_MAX = 2**31 - 1
BYTES_MAX = 2**62
AHEAD_MAX = timedelta(minutes=1)
NAME_MAX = 40
LABELS_MAX = 1000
LABEL_MAX = 100
ACCELERATORS_MAX = 16
SCORED_MAX = 1000
ANSWERS_MAX = 10_000
TEMPERATURE_MAX_C = 1000

_STATS_COUNTS = ("seq", "bundle_version", "samples_dropped", "interval_s", "cpu_percent")
_QUERY_COUNTS = ("captured", "processed", "dropped", "late", "swaps", "swap_ms", "agreement_frames")


class StatsUnusable(ProtocolError):
    """Sending the same message again cannot help, so the sender should forget it."""

    code = "stats_unusable"


def check_stats(stats: Stats) -> None:
    """Raises StatsUnusable for what no box that works would send."""
    _check_fields(stats.memory, stats.memory.__struct_fields__, BYTES_MAX)
    _check_fields(stats, _STATS_COUNTS, COUNT_MAX)
    if not 0 < len(stats.boot_id) <= NAME_MAX or not stats.boot_id.isprintable():
        raise StatsUnusable("The statistics name no boot of the box.")
    for camera in stats.cameras:
        if any("\0" in words for words in (camera.camera, camera.state, camera.problem)):
            raise StatsUnusable("The statistics hold a character that no camera has.")
    for sample in stats.queries:
        _check_query(sample)
    if stats.host is not None:
        _check_host(stats.host)


def sampled_at(stats: Stats, now: datetime) -> datetime:
    """When the interval ended. A clock that runs ahead of the server's would hide newer samples, so it is cut off."""
    try:
        at = datetime.fromtimestamp(stats.at, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return now
    return min(at, now + AHEAD_MAX)


def _check_query(sample: QuerySample) -> None:
    _check_fields(sample, _QUERY_COUNTS, COUNT_MAX)
    for name in ("agreement", "resident"):
        share = getattr(sample, name)
        if share is not None and not 0 <= share <= 1:
            raise StatsUnusable(f"The statistics hold {share} as {name}, which is a share from 0 to 1.")
    _check_scored(sample.scored)
    for found in (sample.counts, sample.appeared):
        _check_labels(found)
        _check_range(found, COUNT_MAX)


def _check_scored(scored: Collection[tuple[int, int]]) -> None:
    if len(scored) > SCORED_MAX:
        raise StatsUnusable(f"The statistics hold {len(scored)} scored frames of one query.")
    for right, wrong in scored:
        _check_range({"right": right, "wrong": wrong}, ANSWERS_MAX)


def _check_host(host: HostSample) -> None:
    if len(host.accelerators) > ACCELERATORS_MAX:
        raise StatsUnusable(f"The statistics tell of {len(host.accelerators)} accelerators.")
    _check_labels([accelerator.name for accelerator in host.accelerators])
    for part in (host, *host.accelerators):
        figures = {
            name: value for name, value in msgspec.structs.asdict(part).items() if isinstance(value, int | float)
        }
        heat = figures.pop("temperature_c", 0.0)
        _check_range(figures, BYTES_MAX)
        _check_range({"temperature_c": abs(heat)}, TEMPERATURE_MAX_C)


def _check_labels(labels: Collection[str]) -> None:
    if len(labels) > LABELS_MAX:
        raise StatsUnusable(f"The statistics name {len(labels)} classes.")
    for label in labels:
        if not 0 < len(label) <= LABEL_MAX or not label.isprintable():
            raise StatsUnusable(f"The statistics name something {label[:LABEL_MAX]!r}.")


def _check_fields(part: msgspec.Struct, names: Sequence[str], highest: float) -> None:
    """As _check_range. Every sample of every box comes here, and to make a dictionary of it took most of the time."""
    for field in names:
        value = getattr(part, field)
        if not 0 <= value <= highest:
            raise StatsUnusable(f"The statistics hold {field} = {value}.")


def _check_range(values: Mapping[str, float], highest: float) -> None:
    for field, value in values.items():
        if not 0 <= value <= highest:
            raise StatsUnusable(f"The statistics hold {field} = {value}.")
