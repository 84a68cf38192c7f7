"""Figures of the machine that the box runs on, as protocol.messages.HostSample words them. Decides nothing."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from edge_runtime.health.accelerators import Accelerators
from edge_runtime.protocol.messages import HostSample

# What broken sensors say: 0, -128, 127, 255.
_BELIEVABLE_C = (1.0, 125.0)


class HostReader:
    """Call `read` about every few seconds, from one thread: rates are those since the last call.

    `disk`: a folder; free space is that of the disk it is on.
    """

    def __init__(
        self,
        disk: Path,
        accelerators: Accelerators,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sensors: Callable[[], dict[str, list]] | None = None,
    ) -> None:
        self._disk, self._accelerators, self._now, self._monotonic = disk, accelerators, now, monotonic
        self._sensors = sensors or getattr(psutil, "sensors_temperatures", dict)
        self._process = psutil.Process(os.getpid())
        self._started_at = monotonic()
        psutil.cpu_percent()

    def read(self) -> HostSample:
        """What cannot be found out is None; never raises OSError."""
        memory, disk = psutil.virtual_memory(), self._disk_usage()
        return HostSample(
            at=self._now(),
            cpu_percent=psutil.cpu_percent(),
            memory_bytes=memory.total,
            memory_available_bytes=memory.available,
            disk_bytes=disk[0] if disk else None,
            disk_free_bytes=disk[1] if disk else None,
            temperature_c=self._temperature_c(),
            accelerators=self._accelerators.read(),
            uptime_s=self._monotonic() - self._started_at,
            threads=self._process.num_threads(),
            descriptors=self._descriptors(),
        )

    def _disk_usage(self) -> tuple[int, int] | None:
        try:
            usage = psutil.disk_usage(str(self._disk))
        except OSError:
            return None
        return usage.total, usage.free

    def _temperature_c(self) -> float | None:
        """Of the hottest sensor: any of them slows the machine down."""
        try:
            found = [sensor.current for sensors in self._sensors().values() for sensor in sensors]
        except (OSError, ValueError):  # drivers that answer with nonsense
            return None
        low, high = _BELIEVABLE_C
        return max((current for current in found if current is not None and low < current < high), default=None)

    def _descriptors(self) -> int | None:
        try:
            return self._process.num_fds()
        except (AttributeError, psutil.Error, OSError):  # not on Windows
            return None
