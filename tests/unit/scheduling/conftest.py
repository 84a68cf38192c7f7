import pytest

from edge_runtime.scheduling.words import Profiles
from tests.simulators.profiles import profile


@pytest.fixture
def street() -> Profiles:
    """Two models that share 60 of their 100 bytes, and one of 100 bytes on its own."""
    return Profiles(
        (
            profile("cars", {"trunk": 60, "cars": 40}),
            profile("signs", {"signs": 100}),
            profile("people", {"trunk": 60, "people": 40}),
        )
    )
