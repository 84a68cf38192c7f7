"""Figures of NVIDIA GPUs by NVML. A machine without one, or without its driver's library, has none: that is normal."""

import logging
from collections.abc import Callable
from typing import Any

from edge_runtime.protocol.messages import AcceleratorSample

log = logging.getLogger(__name__)


class Accelerators:
    """Initialises NVML once, at the first `read`. `load`: imports the binding; raises ImportError where there is none.

    Not every GPU knows every figure (integrated ones know few): what it does not know is None.
    """

    def __init__(self, load: Callable[[], Any] | None = None) -> None:
        self._load = load or _pynvml
        self._nvml: Any = None
        self._is_tried = False

    def read(self) -> tuple[AcceleratorSample, ...]:
        if not self._is_tried:
            self._is_tried = True
            self._nvml = self._started()
        if self._nvml is None:
            return ()
        try:
            return tuple(self._sample(self._nvml.nvmlDeviceGetHandleByIndex(index)) for index in range(self._count()))
        except self._nvml.NVMLError as error:
            log.debug("NVML does not answer: %s", error)
            return ()

    def _started(self) -> Any:
        try:
            nvml = self._load()
        except ImportError:
            return None
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            log.debug("No NVML: %s", error)
            return None
        return nvml

    def _count(self) -> int:
        return int(self._nvml.nvmlDeviceGetCount())

    def _sample(self, device: Any) -> AcceleratorSample:
        nvml = self._nvml
        name = self._asked(nvml.nvmlDeviceGetName, device) or "GPU"
        utilisation = self._asked(nvml.nvmlDeviceGetUtilizationRates, device)
        memory = self._asked(nvml.nvmlDeviceGetMemoryInfo, device)
        temperature = self._asked(nvml.nvmlDeviceGetTemperature, device, nvml.NVML_TEMPERATURE_GPU)
        power_mw = self._asked(nvml.nvmlDeviceGetPowerUsage, device)
        return AcceleratorSample(
            name=name.decode() if isinstance(name, bytes) else str(name),
            utilisation_percent=float(utilisation.gpu) if utilisation else None,
            memory_bytes=int(memory.total) if memory else None,
            memory_used_bytes=int(memory.used) if memory else None,
            temperature_c=float(temperature) if temperature is not None else None,
            power_w=power_mw / 1000 if power_mw is not None else None,
        )

    def _asked(self, question: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return question(*arguments)
        except self._nvml.NVMLError:
            return None


def _pynvml() -> Any:
    import pynvml  # of the distribution nvidia-ml-py

    return pynvml
