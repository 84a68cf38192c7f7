import pytest
import torch

from edge_runtime.vision.architectures import registry
from tests.simulators.serving_rig import TINY, BundleOnShelf, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shelf() -> BundleOnShelf:
    return BundleOnShelf()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _tiny_architecture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry._ENTRIES, TINY.name, TINY)
