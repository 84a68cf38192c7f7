import pytest
import torch

from tests.simulators.serving_rig import BundleOnShelf, FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def shelf() -> BundleOnShelf:
    return BundleOnShelf()


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)
