"""What this box runs on, as its page in the fleet shows it."""

import os
import platform
import socket

import psutil
import torch

import edge_runtime
from edge_runtime.protocol.enrolment import Hardware


def hardware() -> Hardware:
    compute = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if compute == "cuda" else _processor_name()
    return Hardware(
        hostname=socket.gethostname(),
        platform=platform.platform(),
        cpu_cores=os.cpu_count() or 1,
        memory_bytes=psutil.virtual_memory().total,
        compute=compute,
        compute_name=name,
        runtime_version=edge_runtime.__version__,
    )


def _processor_name() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()
