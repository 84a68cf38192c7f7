"""What the models run on and what decodes the video: PyTorch, CUDA, its driver, threads, FFmpeg."""

import os
from collections.abc import Iterator, Mapping

import av.codec
import torch

from edge_runtime.doctor.findings import Finding, error, ok, warning
from edge_runtime.health.accelerators import Accelerators
from edge_runtime.protocol.sizes import format_size
from edge_runtime.video.hardware_decoding import hardware_decoder

_DECODERS = ("h264", "hevc", "mjpeg")


def check_device(device: str, gpus: Accelerators) -> Iterator[Finding]:
    """`device`: as for run; "auto" takes CUDA where there is one."""
    about, found = "Compute device", [sample.name for sample in gpus.read()]
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        yield ok(about, f"{name} with {format_size(free)} of {format_size(total)} free, PyTorch {torch.__version__}.")
    elif found:
        yield error(
            about,
            f"There is a GPU ({found[0]}), but PyTorch {torch.__version__} cannot use it.",
            "Install the PyTorch build for this driver's CUDA version, or a newer driver.",
        )
    elif device == "cuda":
        advice = "Run with --device cpu, or check the driver with nvidia-smi."
        yield error(about, "This machine has no CUDA device.", advice)
    else:
        yield ok(about, f"The processor, {os.cpu_count()} cores; no CUDA device. PyTorch {torch.__version__}.")


def check_threads(threads: int, environ: Mapping[str, str]) -> Finding:
    about, cores = "Threads", os.cpu_count() or 1
    if environ.get("OMP_WAIT_POLICY", "passive").lower() != "passive":
        return warning(
            about,
            f"OMP_WAIT_POLICY is {environ['OMP_WAIT_POLICY']}: threads that wait take cores from those that work.",
            "Set OMP_WAIT_POLICY=passive in the service's environment.",
        )
    if threads > cores:
        advice = f"Run with --threads {cores} or fewer."
        return warning(about, f"{threads} threads of one run share {cores} cores.", advice)
    return ok(about, f"{threads} of {cores} cores for one run, OpenMP waits without spinning.")


def check_decoding() -> Iterator[Finding]:
    about = "Video decoding"
    missing = [name for name in _DECODERS if name not in av.codec.codecs_available]
    if missing:
        found = f"FFmpeg cannot decode {', '.join(missing)}."
        yield warning(about, found, "Install PyAV's own wheel (pip install --force-reinstall av), or a fuller FFmpeg.")
        return
    hardware = hardware_decoder()
    where = "on a device where it can" if hardware is not None else "on the processor"
    yield ok(about, f"FFmpeg decodes {', '.join(_DECODERS)}, {where}.")
