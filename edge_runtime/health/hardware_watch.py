"""Which figures of the machine are worth a sentence: pure.

A warning ends only when the figure is clearly better than where it began, and its sentence holds no figure that moves:
every change of the sentence is a message to the server.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edge_runtime.protocol.messages import HostSample
from edge_runtime.protocol.sizes import format_size

DISK_FREE_LEAST = 2**30
DISK_FREE_AGAIN = DISK_FREE_LEAST * 5 // 4
# Processors slow themselves down from 80 to 100 degrees on, depending on the kind.
TEMPERATURE_MOST_C, TEMPERATURE_AGAIN_C = 85.0, 80.0
MEMORY_LEAST, MEMORY_AGAIN = 0.05, 0.08


@dataclass(frozen=True)
class Limit:
    """`figure`: higher is worse. Begins above `begins`, ends below `ends`; a figure that is unknown says nothing."""

    figure: Callable[[HostSample], float | None]
    begins: float
    ends: float
    sentence: str


LIMITS = (
    Limit(
        lambda host: -host.disk_free_bytes if host.disk_free_bytes is not None else None,
        -DISK_FREE_LEAST,
        -DISK_FREE_AGAIN,
        f"The box's disk is nearly full (less than {format_size(DISK_FREE_LEAST)} free): it may not be able to fetch "
        "the next bundle. Remove files that it does not need.",
    ),
    Limit(
        lambda host: max(_temperatures(host), default=None),
        TEMPERATURE_MOST_C,
        TEMPERATURE_AGAIN_C,
        f"The box is too hot (above {TEMPERATURE_MOST_C:.0f} °C) and may slow itself down. Check its fan and whether "
        "air reaches it.",
    ),
    Limit(
        lambda host: 1 - host.memory_available_bytes / host.memory_bytes if host.memory_bytes else None,
        1 - MEMORY_LEAST,
        1 - MEMORY_AGAIN,
        f"The box's main memory is nearly used up (less than {MEMORY_LEAST:.0%} available): its system may end the "
        "box's software. Stop other programs on it.",
    ),
)


class HardwareWatch:
    def __init__(self, limits: tuple[Limit, ...] = LIMITS) -> None:
        self._limits = limits
        self._passed: frozenset[str] = frozenset()

    @property
    def warnings(self) -> tuple[str, ...]:
        return tuple(limit.sentence for limit in self._limits if limit.sentence in self._passed)

    def note(self, host: HostSample) -> None:
        self._passed = frozenset(limit.sentence for limit in self._limits if self._is_passed(limit, host))

    def _is_passed(self, limit: Limit, host: HostSample) -> bool:
        figure = limit.figure(host)
        if figure is None:
            return False
        return figure > (limit.ends if limit.sentence in self._passed else limit.begins)


def _temperatures(host: HostSample) -> list[float]:
    known = (host.temperature_c, *(accelerator.temperature_c for accelerator in host.accelerators))
    return [temperature for temperature in known if temperature is not None]
