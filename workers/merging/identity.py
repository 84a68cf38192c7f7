"""What two runs must have in common for one to go on from the other's checkpoint: options, models, data, targets.

Limits of time and samples are no part of it: a run that reached its limit may be given more.
"""

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from edge_runtime.protocol.manifest import TensorEntry, sha256_hex
from workers.merging.frames import FrameSet
from workers.merging.memory import model_entries
from workers.merging.options import RunOptions
from workers.merging.queries import MergingQuery
from workers.merging.shipped import snapshot


def options_identity(options: RunOptions) -> dict[str, str]:
    """In words for a person: what it is, and its value."""
    return {
        "the strategy": options.strategy,
        "the seed": str(options.seed),
        "the device": options.device,
        "the rounding": options.rounding or "none",
        "the initialisation": options.initialisation.value,
        "the matching": options.match.value,
        "the sharing of repeated layers": str(options.joins_repeats),
        "the way of training": msgspec.json.encode(options.training).decode(),
    }


def workload_identity(
    queries: Sequence[MergingQuery], weights: Mapping[str, Mapping[str, TensorEntry]]
) -> dict[str, str]:
    """`weights`: tensor map of each query's original."""
    found = {"the order of the queries": ", ".join(query.name for query in queries)}
    for query in queries:
        model = msgspec.json.encode((query.spec, weights[query.name]))
        splits = (query.train, query.validation.frames, query.test.frames)
        if query.start is not None:
            found[f'the start of "{query.name}"'] = sha256_hex(
                msgspec.json.encode(model_entries(snapshot(query.start)))
            )
        found |= {
            f'the accuracy target of "{query.name}"': str(query.part.accuracy_target),
            f'the model of "{query.name}"': sha256_hex(model),
            f'the data of "{query.name}"': sha256_hex("".join(map(_digest, splits)).encode()),
        }
    return found


def _digest(frames: FrameSet) -> str:
    hashed = hashlib.sha256(frames.pictures.data)
    hashed.update(msgspec.json.encode(frames.truths, enc_hook=lambda array: array.tolist()))
    return hashed.hexdigest()
