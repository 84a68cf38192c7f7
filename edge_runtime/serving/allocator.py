"""The budget towards CUDA's allocator: held to it, and its own figures beside our account. Does nothing on the CPU."""

import logging
from collections.abc import Callable

import torch

from edge_runtime.protocol.sizes import format_size

log = logging.getLogger(__name__)

# Of the overhead, for what the allocator rounds up (512 bytes a tensor) and keeps in segments that are not full.
SLACK_BYTES = 64 * 2**20
CHECK_S = 1.0


def enforce(device: torch.device, *, budget_bytes: int, overhead_bytes: int) -> None:
    """From now on this process is refused memory beyond the budget: then one model fails and the others do not."""
    if device.type == "cuda":
        index = device.index if device.index is not None else torch.cuda.current_device()
        total_bytes = torch.cuda.get_device_properties(index).total_memory
        torch.cuda.set_per_process_memory_fraction(allowed_fraction(budget_bytes, overhead_bytes, total_bytes), index)


def allowed_fraction(budget_bytes: int, overhead_bytes: int, total_bytes: int) -> float:
    """Of the device's memory, for tensors; the context, most of the overhead, is not the allocator's."""
    tensors_bytes = budget_bytes - overhead_bytes + min(SLACK_BYTES, overhead_bytes)
    return min(max(tensors_bytes / total_bytes, 0.0), 1.0)


class AllocatorCheck:
    """Between visits only weights are held: if the allocator holds more, something is not accounted for.

    Fed by the executor's thread; `sentence` may be read by others. `allocated_bytes`: of the device, by the allocator.
    """

    def __init__(
        self, device: torch.device, allocated_bytes: Callable[[torch.device], int] = torch.cuda.memory_allocated
    ) -> None:
        self._device = device
        self._allocated_bytes = allocated_bytes if device.type == "cuda" else None
        self._checked_at = float("-inf")
        self.sentence = ""

    def note(self, now: float, accounted_bytes: int) -> None:
        """Asks the allocator at most every CHECK_S: reading its figures takes a tenth of a millisecond."""
        if self._allocated_bytes is None or now < self._checked_at + CHECK_S:
            return
        self._checked_at = now
        held_bytes = self._allocated_bytes(self._device)
        said, self.sentence = self.sentence, self._judged(held_bytes, accounted_bytes)
        if self.sentence and not said:
            log.warning("%s", self.sentence)

    def _judged(self, held_bytes: int, accounted_bytes: int) -> str:
        if held_bytes <= accounted_bytes + SLACK_BYTES:
            return ""
        return (
            f"The compute device's allocator holds {format_size(held_bytes)} where {format_size(accounted_bytes)} are "
            "accounted for. The budget is kept, but room for models is missing; restart the box's software."
        )
