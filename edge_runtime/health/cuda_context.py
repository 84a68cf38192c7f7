"""What CUDA itself takes of a GPU in a process: its context, with the kernels that libraries load into it.

From 250 MiB to 700 MiB, by GPU, driver and versions: so it is measured, before anything else uses the device.
"""

import contextlib
import ctypes
import functools
import os

import torch
from torch import nn

from edge_runtime.health.accelerators import Accelerators

_ASSUMED_BYTES = 400 * 2**20  # of a context where nothing tells: GPUs without NVML, or one that is in use already
_CU_CTX_SCHED_BLOCKING_SYNC = 4
_LATER_BYTES = 96 * 2**20  # kernels that other networks load later, and the pictures that video decoders hold
_STEP_BYTES = 16 * 2**20  # measured figures differ by a little from start to start
# cuBLAS would keep up to 64 MiB for itself; the models' linear layers are small.
_SMALL_WORKSPACES = {"CUBLAS_WORKSPACE_CONFIG": ":4096:2", "CUBLASLT_WORKSPACE_SIZE": "1024"}


@functools.cache
def context_bytes() -> int:
    """Makes the context and warms it up.

    By what all GPUs together hold before and after: a process is not told its own share in every container.
    """
    if torch.cuda.is_initialized():
        return _ASSUMED_BYTES
    gpus = Accelerators()
    before = _used_bytes(gpus)
    for name, value in _SMALL_WORKSPACES.items():
        os.environ.setdefault(name, value)
    _sleep_when_waiting()
    _warm_up(torch.device("cuda"))
    grown = [now - then for now, then in zip(_used_bytes(gpus), before, strict=True)]
    found = max(grown, default=0) - torch.cuda.memory_reserved()
    return -(-found // _STEP_BYTES) * _STEP_BYTES + _LATER_BYTES if found > 0 else _ASSUMED_BYTES


def _sleep_when_waiting() -> None:
    """A thread that waits for the GPU sleeps. FFmpeg decodes video in this context only if it is made so."""
    with contextlib.suppress(OSError):
        driver = ctypes.CDLL("libcuda.so.1")
        driver.cuInit(0)
        driver.cuDevicePrimaryCtxSetFlags_v2(0, _CU_CTX_SCHED_BLOCKING_SYNC)


def _used_bytes(gpus: Accelerators) -> list[int]:
    return [sample.memory_used_bytes or 0 for sample in gpus.read()]


def _warm_up(device: torch.device) -> None:
    """The kinds of layers that the architectures are made of, so that their kernels are loaded when memory is read."""
    network = nn.Sequential(
        nn.Conv2d(3, 32, 3, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.Hardswish(),
        nn.Conv2d(32, 32, 3, padding=1, groups=32),
        nn.Conv2d(32, 64, 1),
        nn.ReLU(),
        nn.MaxPool2d(3),
        nn.Upsample(scale_factor=2.0),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(64, 8),
        nn.Softmax(dim=1),
    )
    with torch.inference_mode():
        network.to(device).eval()(torch.zeros(2, 3, 96, 96, device=device)).cpu()
    torch.cuda.synchronize(device)
