"""Which measurements are acceptable. Pure: a box is not trusted to send numbers that the database can hold."""

from edge_runtime.protocol.architectures import ARCHITECTURES
from edge_runtime.protocol.measurements import BATCHES_MAX, NETWORKS_MAX, BatchMeasured, BoxMeasured, NetworkMeasured
from edge_runtime.scheduling.policies import policy_named
from webapp.common.errors import InvalidInput

MESSAGE_MAX_BYTES = 256 * 1024
_BYTES_MAX, _RUN_MS_MAX, _SIDE_MAX, _BATCH_MAX = 2**50, 3_600_000.0, 8192, 1024


def check_measured(measured: BoxMeasured) -> None:
    """Raises InvalidInput, and UnknownPolicy, for what no box that works would send."""
    policy_named(measured.policy)
    if len(measured.hardware) > 200:
        raise InvalidInput("The measurements describe the hardware with more than 200 characters.")
    _check("budget_bytes", measured.budget_bytes, 1, _BYTES_MAX)
    _check("overhead_bytes", measured.overhead_bytes, 0, measured.budget_bytes)
    if measured.load_bytes_per_s is not None:
        _check("load_bytes_per_s", measured.load_bytes_per_s, 1, _BYTES_MAX)
    for field in ("visit_ms", "short_visit_ms"):
        _check(field, getattr(measured, field), 0, _RUN_MS_MAX)
    if len(measured.networks) > NETWORKS_MAX:
        raise InvalidInput(f"The measurements are of more than {NETWORKS_MAX} networks.")
    for network in measured.networks:
        _check_network(network)


def _check_network(network: NetworkMeasured) -> None:
    if network.architecture not in ARCHITECTURES:
        raise InvalidInput(f'The measurements name "{network.architecture}", which is no architecture.')
    for side in network.input_size:
        _check("input_size", side, 1, _SIDE_MAX)
    _check("classes", network.classes, 1, 100_000)
    _check("switch_ms", network.switch_ms, 0, _RUN_MS_MAX)
    sizes = [batch.size for batch in network.batches]
    if not sizes or sizes[0] != 1 or sizes != sorted(set(sizes)) or len(sizes) > BATCHES_MAX:
        raise InvalidInput("The batches of a network grow from one frame on.")
    for batch in network.batches:
        _check_batch(batch)


def _check_batch(batch: BatchMeasured) -> None:
    _check("size", batch.size, 1, _BATCH_MAX)
    _check("run_ms", batch.run_ms, 0, _RUN_MS_MAX)
    _check("activation_bytes", batch.activation_bytes, 0, _BYTES_MAX)
    for field, slower_ms in (("after_load_ms", batch.after_load_ms), ("beside_copy_ms", batch.beside_copy_ms)):
        if slower_ms is not None:
            _check(field, slower_ms, 0, _RUN_MS_MAX)


def _check(field: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # NaN fails, too
        raise InvalidInput(f"The measurements hold {field} = {value}.")
