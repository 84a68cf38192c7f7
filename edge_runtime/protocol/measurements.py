"""What a box measured of itself and of the networks it ran: POST /api/box/measured.

By network, not by model: time and activations depend on the architecture, the size of its pictures and the number of
classes, not on the weights. So a figure holds for every model of that network, merged or not, in whatever bundle.
"""

import msgspec

NETWORKS_MAX, BATCHES_MAX = 200, 16


class BatchMeasured(msgspec.Struct, frozen=True):
    """One run of `size` frames, from pictures to predictions, and the memory it needs beside the weights.

    `is_doubted`: with this time no frame would meet its deadline, so none has run since; the box tries it again.
    """

    size: int
    run_ms: float
    activation_bytes: int
    is_doubted: bool = False


class NetworkMeasured(msgspec.Struct, frozen=True):
    """`input_size`: (height, width). `classes`: how many. `batches` by ascending size, the first of one frame."""

    architecture: str
    input_size: tuple[int, int]
    classes: int
    batches: tuple[BatchMeasured, ...]


class BoxMeasured(msgspec.Struct, frozen=True):
    """`hardware`: what has to be the same for the figures to hold. `load_bytes_per_s`: of weights on their way to the
    compute device, None until something was loaded. `networks`: those that run now; earlier ones stay known.
    """

    hardware: str
    policy: str
    budget_bytes: int
    overhead_bytes: int
    load_bytes_per_s: float | None
    networks: tuple[NetworkMeasured, ...]
