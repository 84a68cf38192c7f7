"""The composition root of a box: makes the parts and plugs them together."""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import cv2
import torch

from edge_runtime.agent.agent import Agent
from edge_runtime.agent.hardware import hardware
from edge_runtime.agent.identity import load_identity, prepare_state_dir
from edge_runtime.agent.outlets import OutletOptions, Outlets
from edge_runtime.agent.recall import load_recall
from edge_runtime.agent.server import ServerApi
from edge_runtime.agent.stats_spool import SpoolLimits, StatsSpool
from edge_runtime.answers.results import Result
from edge_runtime.bundles.store import BundleStore
from edge_runtime.bundles.tensors import map_tensor
from edge_runtime.bundles.throttle import Throttle
from edge_runtime.health.accelerators import Accelerators
from edge_runtime.health.box_health import BoxHealth
from edge_runtime.health.cuda_context import context_bytes
from edge_runtime.health.heap import limit_heaps
from edge_runtime.health.host import HostReader
from edge_runtime.health.systemd import notifier_of
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest, decode_manifest
from edge_runtime.protocol.sizes import format_size
from edge_runtime.scheduling.measured import MeasuredBundle
from edge_runtime.serving import executor as serving
from edge_runtime.serving.allocator import SLACK_BYTES
from edge_runtime.serving.device_memory import TensorSource
from edge_runtime.serving.engine import Result as Answer
from edge_runtime.serving.profiling import MeasuredFolder, measure_bundle
from edge_runtime.serving.transfer import LimitedTransfer, transfer_to
from edge_runtime.video.cameras import CameraSet
from edge_runtime.video.hardware_decoding import hardware_decoder
from edge_runtime.video.sources import open_capture

log = logging.getLogger(__name__)

DEVICES = ("cpu", "cuda")
_CPU_OVERHEAD_BYTES = 4 * 2**20
# A visit at hand may run longer than anybody wants to wait.
_STOP_S = 1.0
_POOL_THREADS = 8


class OptionError(GemelError):
    code = "option"


@dataclass(frozen=True)
class Options:
    """`device`: "auto", "cpu" or "cuda". `swap_bandwidth`, `download_limit`: bytes/s, None for as fast as it goes.

    `software_decoding`: leave a hardware decoder alone that this machine may have. `spool`: of statistics, while the
    server is away.
    """

    state_dir: Path
    memory_budget: int
    policy: str
    device: str = "auto"
    threads: int = 1
    swap_bandwidth: int | None = None
    media_root: Path | None = None
    software_decoding: bool = False
    download_limit: int | None = None
    outlets: OutletOptions = field(default_factory=OutletOptions)
    spool: SpoolLimits = field(default_factory=SpoolLimits)


def chosen_device(device: str) -> str:
    """Raises OptionError for a device that this machine does not have."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device not in DEVICES:
        raise OptionError(f'There is no device "{device}"; choose auto, cpu or cuda.')
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("This machine has no CUDA device that PyTorch can use; choose auto or cpu.")
    return device


def overhead_bytes(device: str) -> int:
    """What the runtime takes of the budget beside weights and activations. On "cuda" the first use of the device."""
    return _CPU_OVERHEAD_BYTES if device == "cpu" else context_bytes() + SLACK_BYTES


@dataclass(frozen=True)
class MeasureOptions:
    """`bundle`: a folder with manifest.json and blobs, as the merging core writes it; None for what the box runs."""

    state_dir: Path
    bundle: Path | None = None
    device: str = "auto"
    threads: int = 1
    swap_bandwidth: int | None = None
    repetitions: int = 9


def measure(options: MeasureOptions) -> tuple[MeasuredBundle, Path]:
    """Measures the models of a bundle on this machine. Returns the figures and where `run` will find them."""
    device = chosen_device(options.device)
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    manifest, tensor = _bundle(options)
    transfer = transfer_to(torch.device(device))
    if options.swap_bandwidth:
        transfer = LimitedTransfer(transfer, options.swap_bandwidth)
    folder = measured_folder(options.state_dir, device, options.threads)
    measured = measure_bundle(
        manifest,
        tensor,
        transfer=transfer,
        device=torch.device(device),
        hardware=folder.hardware,
        overhead_bytes=overhead_bytes(device),
        repetitions=options.repetitions,
    )
    return measured, folder.save(measured)


def measured_folder(state_dir: Path, device: str, threads: int) -> MeasuredFolder:
    """What was measured on this machine, for a device and a number of threads."""
    found = hardware()
    used = f"cpu, {threads} threads" if device == "cpu" else device
    name = f"{found.compute_name}, {found.cpu_cores} cores, {used}, torch {torch.__version__}"
    return MeasuredFolder(state_dir / "profiles", name)


def _bundle(options: MeasureOptions) -> tuple[Manifest, TensorSource]:
    if options.bundle is not None:
        folder = options.bundle
        try:
            manifest = decode_manifest((folder / "manifest.json").read_bytes())
        except OSError as error:
            raise OptionError(f"{folder} is no bundle: its manifest.json cannot be read ({error.strerror}).") from error
        return manifest, lambda entry: map_tensor(entry, folder / "blobs" / entry.digest)
    running = load_recall(options.state_dir).running
    if not running:
        raise OptionError("This box does not run a bundle yet. Name one with --bundle FOLDER.")
    store = BundleStore(options.state_dir / "bundles")
    return store.manifest(running), store.tensor


def run(options: Options) -> None:
    """Runs the box until SIGTERM or SIGINT. Raises GemelError when it cannot start."""
    limit_heaps()
    identity = load_identity(options.state_dir)
    prepare_state_dir(options.state_dir)
    device = chosen_device(options.device)
    # Pictures are small; more threads would only take cores from the models.
    cv2.setNumThreads(1)
    outlets = Outlets(options.state_dir, options.outlets)
    agent: Agent | None = None

    def on_answer(answer: Answer) -> None:
        described = _described(answer, agent) if agent else None
        if described:
            outlets.put(described)

    executor = serving.Executor(
        budget_bytes=options.memory_budget,
        overhead_bytes=overhead_bytes(device),
        device=device,
        policy=options.policy,
        swap_bandwidth=options.swap_bandwidth,
        threads=options.threads,
        measured=measured_folder(options.state_dir, device, options.threads),
        on_result=on_answer,
    )
    hwaccel = None if options.software_decoding else hardware_decoder()
    cameras = CameraSet(executor.offer, opener=partial(open_capture, media_root=options.media_root, hwaccel=hwaccel))
    log.info("Box %s: %s on %s, policy %s", identity.name, format_size(options.memory_budget), device, options.policy)

    health = BoxHealth(
        HostReader(options.state_dir, Accelerators()),
        notifier_of(os.environ),
        executor_stuck_s=executor.stuck_s,
        cameras_stuck_s=cameras.stuck_s,
    )

    async def main() -> None:
        nonlocal agent
        asyncio.get_running_loop().set_default_executor(_blocking_calls())
        agent = Agent(
            identity=identity,
            state_dir=options.state_dir,
            api=ServerApi(identity),
            serving=executor,
            cameras=cameras,
            throttle=Throttle(options.download_limit),
            board=outlets.board,
            answers=outlets.answers,
            spool=outlets.spool,
            stats_spool=StatsSpool(options.state_dir / "statistics.sqlite", options.spool),
            health=health,
        )
        async with outlets.open(agent, cameras):
            health.start()
            await _until_signalled(agent)

    # Not asyncio.run: it would wait at its end for every thread, a model's warm-up or a hanging probe included.
    try:
        asyncio.new_event_loop().run_until_complete(main())
    finally:
        health.stop()
        stopping = threading.Thread(target=executor.stop, daemon=True)
        stopping.start()
        cameras.stop_all()
        stopping.join(_STOP_S)


def _blocking_calls() -> ThreadPoolExecutor:
    """For what blocks: files, drawing, opening cameras. All its threads start now, so that more of them are a leak."""
    pool = ThreadPoolExecutor(_POOL_THREADS, thread_name_prefix="blocking")
    together = threading.Barrier(_POOL_THREADS)
    for _ in range(_POOL_THREADS):
        pool.submit(together.wait)
    return pool


async def _until_signalled(agent: Agent) -> None:
    loop, running = asyncio.get_running_loop(), asyncio.create_task(agent.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    log.info("Stopping")


def _described(answer: Answer, agent: Agent) -> Result | None:
    """The executor knows numbers; people need the query's name and the model's classes."""
    manifest, queries = agent.bundles.manifest, agent.bundles.queries
    query = next((query for query in queries if query.query == answer.query), None)
    model = next((m for m in manifest.models if query and m.slot == query.slot), None) if manifest else None
    if query is None or model is None:
        return None
    return Result(
        query=query.query,
        name=query.name,
        objects=query.objects,
        frame=answer.frame,
        prediction=answer.prediction,
        classes=model.classes,
        rate_fps=query.rate_fps,
        latency_ms=answer.latency_ms,
        zone=query.zone,
        outside=answer.outside,
    )
