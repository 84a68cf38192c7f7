import math

import pytest
from msgspec.structs import replace

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.measurements import BatchMeasured, BoxMeasured, NetworkMeasured
from webapp.rollouts.policies import check_measured

NETWORK = NetworkMeasured("resnet18", (64, 64), 3, (BatchMeasured(1, 10.0, 500), BatchMeasured(4, 30.0, 2_000)))
GOOD = BoxMeasured("a CPU", "layerwise", 10_000, 100, None, (NETWORK,))


def network(**changes) -> dict:
    return {"networks": (replace(NETWORK, **changes),)}


def test_what_a_box_sends_is_accepted() -> None:
    check_measured(GOOD)
    check_measured(replace(GOOD, load_bytes_per_s=1e9, networks=()))


@pytest.mark.parametrize(
    "changes",
    [
        {"policy": "dice"},
        {"budget_bytes": 0},
        {"overhead_bytes": 20_000},
        {"load_bytes_per_s": 0.0},
        {"load_bytes_per_s": math.nan},
        {"hardware": "x" * 300},
        {"networks": (NETWORK,) * 300},
        {"short_visit_ms": -1.0},
        network(switch_ms=math.inf),
        network(batches=(BatchMeasured(1, 1.0, 1, beside_copy_ms=math.nan),)),
        network(architecture="my own"),
        network(input_size=(0, 64)),
        network(classes=0),
        network(batches=()),
        network(batches=(BatchMeasured(2, 1.0, 1),)),
        network(batches=(BatchMeasured(1, -1.0, 1),)),
        network(batches=(BatchMeasured(1, 1.0, 2**60),)),
        network(batches=(BatchMeasured(1, 1.0, 1), BatchMeasured(1, 1.0, 1))),
    ],
)
def test_what_no_working_box_would_send_is_refused(changes: dict) -> None:
    with pytest.raises(GemelError):
        check_measured(replace(GOOD, **changes))
