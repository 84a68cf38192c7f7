"""What this box runs on, as its page in the fleet shows it."""

import os
import platform
import socket
from pathlib import Path

import psutil

import edge_runtime
from edge_runtime.protocol.enrolment import Hardware


def hardware() -> Hardware:
    accelerator = _accelerator_name()
    compute, name = ("cuda", accelerator) if accelerator else ("cpu", _processor_name())
    return Hardware(
        hostname=socket.gethostname(),
        platform=platform.platform(),
        cpu_cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        compute=compute,
        compute_name=name,
        runtime_version=edge_runtime.__version__,
    )


def _accelerator_name() -> str:
    """ "" without one. Where the kernel shows no NVIDIA device, torch, whose import takes seconds, is not asked."""
    devices = Path("/dev")
    if platform.system() == "Linux" and not [*devices.glob("nvidia*"), *devices.glob("nvhost*")]:
        return ""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
