"""What is known of the networks that run, for the server: profiles by network instead of by slot."""

import statistics
from collections import defaultdict
from collections.abc import Iterable

from edge_runtime.protocol.measurements import BatchMeasured, NetworkMeasured
from edge_runtime.scheduling.words import Batch, ModelProfile
from edge_runtime.serving.preparation import Prepared

_Network = tuple[str, tuple[int, int], int]


def measured_networks(prepared: Prepared) -> tuple[NetworkMeasured, ...]:
    """Slots of one network differ by what the moment did to them: medians are told."""
    found: defaultdict[_Network, list[ModelProfile]] = defaultdict(list)
    for profile in prepared.profiles.models:
        spec = prepared.models[profile.slot].skeleton.spec
        found[spec.architecture, spec.input_size, len(spec.classes)].append(profile)
    return tuple(
        NetworkMeasured(*network, _medians(profiles), statistics.median(one.switch_ms for one in profiles))
        for network, profiles in sorted(found.items(), key=lambda item: item[0])
    )


def _medians(profiles: list[ModelProfile]) -> tuple[BatchMeasured, ...]:
    by_size: defaultdict[int, list[Batch]] = defaultdict(list)
    for batch in (batch for profile in profiles for batch in profile.batches):
        by_size[batch.size].append(batch)
    return tuple(_measured(size, same) for size, same in sorted(by_size.items()))


def _measured(size: int, same: list[Batch]) -> BatchMeasured:
    """What was measured, never what is believed in its place; in doubt where that is so for every slot."""
    certain = [one for one in same if one.doubted_ms is None]
    return BatchMeasured(
        size,
        statistics.median(one.measured_ms for one in certain or same),
        max(one.activation_bytes for one in same),
        is_doubted=not certain,
        after_load_ms=_median(one.after_load_ms for one in same),
        beside_copy_ms=_median(one.beside_copy_ms for one in same),
    )


def _median(times_ms: Iterable[float | None]) -> float | None:
    known = [time_ms for time_ms in times_ms if time_ms is not None]
    return statistics.median(known) if known else None
