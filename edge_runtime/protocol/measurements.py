"""What a box measured of itself and of the networks it ran: POST /api/box/measured.

By network, not by model: time and activations depend on the architecture, the size of its pictures and the number of
classes, not on the weights. So a figure holds for every model of that network, merged or not, in whatever bundle.
"""

import msgspec

NETWORKS_MAX, BATCHES_MAX = 200, 16


class BatchMeasured(msgspec.Struct, frozen=True):
    """One run of `size` frames, from pictures to predictions, and the memory it needs beside the weights.

    `is_doubted`: with this time no frame would meet its deadline, so none has run since; the box tries it again.
    `after_load_ms`, `beside_copy_ms`: of a run right after all weights were loaded, and of one beside which others are
    copied all the time; None where the box did not measure that.
    """

    size: int
    run_ms: float
    activation_bytes: int
    is_doubted: bool = False
    after_load_ms: float | None = None
    beside_copy_ms: float | None = None


class NetworkMeasured(msgspec.Struct, frozen=True):
    """`input_size`: (height, width). `classes`: how many. `batches` by ascending size, the first of one frame.

    `switch_ms`: to let go of all its tensors, take them in and point the network at them, beside copying; 0 from a box
    of an earlier version, as everything below that has a default.
    """

    architecture: str
    input_size: tuple[int, int]
    classes: int
    batches: tuple[BatchMeasured, ...]
    switch_ms: float = 0.0


class BoxMeasured(msgspec.Struct, frozen=True):
    """`hardware`: what has to be the same for the figures to hold. `load_bytes_per_s`: of weights on their way to the
    compute device, None until something was loaded. `networks`: those that run now; earlier ones stay known.
    `visit_ms`, `short_visit_ms`: the runtime's own work in a visit where memory holds all models, and where not.
    """

    hardware: str
    policy: str
    budget_bytes: int
    overhead_bytes: int
    load_bytes_per_s: float | None
    networks: tuple[NetworkMeasured, ...]
    visit_ms: float = 0.0
    short_visit_ms: float = 0.0
