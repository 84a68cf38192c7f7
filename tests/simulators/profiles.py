"""Hand-made profiles: sizes one can add up in one's head."""

from edge_runtime.scheduling.words import Batch, ModelProfile


def profile(slot: str, tensors: dict[str, int], *, run_ms: float = 10.0, activation_bytes: int = 10) -> ModelProfile:
    """Batches of 1, 2 and 4; twice the frames need twice the memory and 1.5 times the time."""
    batches = tuple(Batch(size, run_ms * 1.5**power, activation_bytes * size) for power, size in enumerate((1, 2, 4)))
    return ModelProfile(slot, tensors, batches)
