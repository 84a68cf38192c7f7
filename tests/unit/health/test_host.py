"""Figures of this very machine, and of machines with odd sensors and GPUs."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from edge_runtime.health.accelerators import Accelerators
from edge_runtime.health.host import HostReader
from edge_runtime.protocol.messages import AcceleratorSample


def no_binding():
    raise ImportError("no pynvml")


def reader(folder, **arguments):
    return HostReader(folder, Accelerators(no_binding), **arguments)


def test_reads_this_machine(tmp_path):
    clock = iter([100.0, 142.0])
    host = reader(tmp_path, now=lambda: 7.0, monotonic=lambda: next(clock)).read()
    assert (host.at, host.uptime_s, host.accelerators) == (7.0, 42.0, ())
    assert host.memory_bytes == psutil.virtual_memory().total
    assert 0 < host.memory_available_bytes < host.memory_bytes
    assert 0 < host.disk_free_bytes < host.disk_bytes
    assert host.threads >= 1
    assert host.descriptors >= 3
    assert 0 <= host.cpu_percent <= 100


def test_the_hottest_believable_sensor_counts(tmp_path):
    found = {
        "soc": [SimpleNamespace(current=61.5), SimpleNamespace(current=-128.0)],
        "nvme": [SimpleNamespace(current=255.0)],
    }
    assert reader(tmp_path, sensors=lambda: found).read().temperature_c == 61.5


def broken():
    raise OSError("no such device")


@pytest.mark.parametrize("sensors", [dict, broken, lambda: {"x": [SimpleNamespace(current=None)]}])
def test_a_machine_without_sensors_has_no_temperature(tmp_path, sensors):
    assert reader(tmp_path, sensors=sensors).read().temperature_c is None


def test_a_folder_that_is_gone_has_no_disk():
    host = reader(Path("/nowhere/at/all")).read()
    assert (host.disk_bytes, host.disk_free_bytes) == (None, None)


class NVMLError(Exception):
    pass


class Nvml(SimpleNamespace):
    """NVML with one GPU that knows everything but its power, as small ones do."""

    NVMLError = NVMLError
    NVML_TEMPERATURE_GPU = 0

    def __init__(self):
        super().__init__(inits=0, is_lost=False)

    def nvmlInit(self):
        self.inits += 1

    def nvmlDeviceGetCount(self):
        if self.is_lost:
            raise NVMLError("the driver was updated meanwhile")
        return 1

    def nvmlDeviceGetHandleByIndex(self, index):
        return index

    def nvmlDeviceGetName(self, device):
        return b"Tesla T4"

    def nvmlDeviceGetUtilizationRates(self, device):
        return SimpleNamespace(gpu=37, memory=12)

    def nvmlDeviceGetMemoryInfo(self, device):
        return SimpleNamespace(total=16_000, used=4_000, free=12_000)

    def nvmlDeviceGetTemperature(self, device, sensor):
        return 58

    def nvmlDeviceGetPowerUsage(self, device):
        raise NVMLError("not supported")


def test_reads_a_gpu_and_leaves_out_what_it_does_not_know():
    nvml = Nvml()
    accelerators = Accelerators(lambda: nvml)
    assert accelerators.read() == (AcceleratorSample("Tesla T4", 37.0, 16_000, 4_000, 58.0, None),)
    accelerators.read()
    assert nvml.inits == 1


def test_a_driver_that_stops_answering_gives_no_gpu():
    nvml = Nvml()
    accelerators = Accelerators(lambda: nvml)
    accelerators.read()
    nvml.is_lost = True
    assert accelerators.read() == ()


def test_a_binding_without_a_driver_gives_no_gpu():
    nvml = Nvml()

    def fails():
        raise NVMLError("library not found")

    nvml.nvmlInit = fails
    assert Accelerators(lambda: nvml).read() == ()


def test_the_real_binding_is_there_and_bears_a_machine_without_a_gpu():
    assert isinstance(Accelerators().read(), tuple)
