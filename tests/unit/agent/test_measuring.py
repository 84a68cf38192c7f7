import pytest
from msgspec.structs import replace

from edge_runtime.agent.measuring import is_news
from edge_runtime.protocol.measurements import BatchMeasured, BoxMeasured, NetworkMeasured


def network(architecture: str = "resnet18", run_ms: float = 10.0, *, is_doubted: bool = False) -> NetworkMeasured:
    return NetworkMeasured(architecture, (64, 64), 3, (BatchMeasured(1, run_ms, 1_000, is_doubted),))


TOLD = BoxMeasured("a CPU", "layerwise", 10_000, 100, 1e8, (network(),))


def test_the_first_figures_are_news() -> None:
    assert is_news(None, TOLD)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, False),
        ({"networks": (network(run_ms=11.0),)}, False),
        ({"networks": (network(run_ms=13.0),)}, True),
        ({"networks": (network(is_doubted=True),)}, True),
        ({"networks": (network(), network("vgg16"))}, True),
        ({"networks": ()}, False),  # what ran before stays known
        ({"load_bytes_per_s": 1.1e8}, False),
        ({"load_bytes_per_s": 2e8}, True),
        ({"budget_bytes": 20_000}, True),
        ({"short_visit_ms": 2.0}, True),  # it was not known before
    ],
)
def test_what_changed_notably_is_news(change: dict, expected: bool) -> None:
    assert is_news(TOLD, replace(TOLD, **change)) is expected


def test_the_first_load_is_news() -> None:
    assert is_news(replace(TOLD, load_bytes_per_s=None), TOLD)
