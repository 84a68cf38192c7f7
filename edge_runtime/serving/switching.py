"""What it takes to switch to a model beside copying: to let go of tensors, to take them in, to point at them.

Grows with the number of tensors, not with their bytes: beside a run of 20 ms, 121 of them take 2 ms.
"""

import statistics
from collections.abc import Callable, Sequence

from torch import Tensor

from edge_runtime.serving.device_memory import DeviceMemory, TensorSource
from edge_runtime.serving.skeleton import Skeleton
from edge_runtime.serving.transfer import Source

_AMPLE_BYTES = 2**50
_TIMED = 3


class _NoCopies:
    """A transfer that hands over what it was given."""

    def ready(self, source: Source) -> Source:
        return source

    def copy(self, sources: Sequence[Source]) -> list[Tensor]:
        return [source.tensor for source in sources]


class Switch:
    """To `skeleton`, which must be pointed at nothing, and away from it again. The first time makes sources ready."""

    def __init__(self, skeleton: Skeleton, tensor: TensorSource) -> None:
        self._skeleton, self._tensor = skeleton, tensor
        self._memory = DeviceMemory(
            budget_bytes=_AMPLE_BYTES, overhead_bytes=0, transfer=_NoCopies(), copies_ahead=False
        )

    def __call__(self) -> None:
        self._memory.load(self._skeleton, self._tensor)
        self._memory.attach(self._skeleton)
        self._memory.evict(self._skeleton.wanted)


def switch_ms(skeleton: Skeleton, tensor: TensorSource, clock: Callable[[], float]) -> float:
    """The median of a few."""
    switch = Switch(skeleton, tensor)
    times_ms: list[float] = []
    for _ in range(1 + _TIMED):
        started_at = clock()
        switch()
        times_ms.append(1000 * (clock() - started_at))
    return statistics.median(times_ms[1:])
