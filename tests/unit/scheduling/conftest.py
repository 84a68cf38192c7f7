"""Hand-made profiles: sizes one can add up in one's head."""

import pytest

from edge_runtime.scheduling.words import Batch, ModelProfile, Profiles


def profile(slot: str, tensors: dict[str, int], *, run_ms: float = 10.0, activation_bytes: int = 10) -> ModelProfile:
    """Batches of 1, 2 and 4; twice the frames need twice the memory and 1.5 times the time."""
    batches = tuple(Batch(size, run_ms * 1.5**power, activation_bytes * size) for power, size in enumerate((1, 2, 4)))
    return ModelProfile(slot, tensors, batches)


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
