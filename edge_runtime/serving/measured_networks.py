"""What is known of the networks that run, for the server: profiles by network instead of by slot."""

import statistics
from collections import defaultdict

from edge_runtime.protocol.measurements import BatchMeasured, NetworkMeasured
from edge_runtime.scheduling.words import Batch
from edge_runtime.serving.preparation import Prepared

_Network = tuple[str, tuple[int, int], int]


def measured_networks(prepared: Prepared) -> tuple[NetworkMeasured, ...]:
    """Slots of one network differ by what the moment did to them: the median of each batch size is told."""
    found: defaultdict[_Network, list[Batch]] = defaultdict(list)
    for profile in prepared.profiles.models:
        spec = prepared.models[profile.slot].skeleton.spec
        found[spec.architecture, spec.input_size, len(spec.classes)].extend(profile.batches)
    return tuple(NetworkMeasured(*network, _medians(batches)) for network, batches in sorted(found.items()))


def _medians(batches: list[Batch]) -> tuple[BatchMeasured, ...]:
    by_size: defaultdict[int, list[Batch]] = defaultdict(list)
    for batch in batches:
        by_size[batch.size].append(batch)
    return tuple(_measured(size, same) for size, same in sorted(by_size.items()))


def _measured(size: int, same: list[Batch]) -> BatchMeasured:
    """What was measured, never what is believed in its place; in doubt where that is so for every slot."""
    certain = [one for one in same if one.doubted_ms is None]
    run_ms = statistics.median(one.measured_ms for one in certain or same)
    return BatchMeasured(size, run_ms, max(one.activation_bytes for one in same), is_doubted=not certain)
