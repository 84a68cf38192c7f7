"""The composition root of a box: makes the parts and plugs them together."""

import asyncio
import contextlib
import logging
import signal
import threading
from dataclasses import dataclass
from pathlib import Path

import cv2
import torch

from edge_runtime.agent.agent import Agent
from edge_runtime.agent.identity import load_identity, prepare_state_dir
from edge_runtime.agent.results import Result, ResultBoard
from edge_runtime.agent.server import ServerApi
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import format_size
from edge_runtime.serving import executor as serving
from edge_runtime.serving.engine import Result as Answer
from edge_runtime.video.cameras import CameraSet
from edge_runtime.video.sources import open_capture

log = logging.getLogger(__name__)

# What the runtime itself takes of the compute device beside weights and activations. A CUDA context is the large part.
OVERHEAD_BYTES = {"cpu": 4 * 2**20, "cuda": 400 * 2**20}
# A visit at hand may run longer than anybody wants to wait.
_STOP_S = 1.0


class OptionError(GemelError):
    code = "option"


@dataclass(frozen=True)
class Options:
    """`device`: "auto", "cpu" or "cuda". `swap_bandwidth`: bytes/s, None for as fast as it goes."""

    state_dir: Path
    memory_budget: int
    policy: str
    device: str = "auto"
    threads: int = 1
    swap_bandwidth: int | None = None
    media_root: Path | None = None


def chosen_device(device: str) -> str:
    """Raises OptionError for a device that this machine does not have."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device not in OVERHEAD_BYTES:
        raise OptionError(f'There is no device "{device}"; choose auto, cpu or cuda.')
    if device == "cuda" and not torch.cuda.is_available():
        raise OptionError("This machine has no CUDA device that PyTorch can use; choose auto or cpu.")
    return device


def run(options: Options) -> None:
    """Runs the box until SIGTERM or SIGINT. Raises GemelError when it cannot start."""
    identity = load_identity(options.state_dir)
    prepare_state_dir(options.state_dir)
    device = chosen_device(options.device)
    # Pictures are small; more threads would only take cores from the models.
    cv2.setNumThreads(1)
    board = ResultBoard()
    agent: Agent | None = None

    def on_answer(answer: Answer) -> None:
        described = _described(answer, agent) if agent else None
        if described:
            board.put(described)

    executor = serving.Executor(
        budget_bytes=options.memory_budget,
        overhead_bytes=OVERHEAD_BYTES[device],
        device=device,
        policy=options.policy,
        swap_bandwidth=options.swap_bandwidth,
        threads=options.threads,
        on_result=on_answer,
    )
    cameras = CameraSet(executor.offer, opener=lambda source: open_capture(source, media_root=options.media_root))
    log.info("Box %s: %s on %s, policy %s", identity.name, format_size(options.memory_budget), device, options.policy)

    async def main() -> None:
        nonlocal agent
        api = ServerApi(identity)
        agent = Agent(
            identity=identity, state_dir=options.state_dir, api=api, serving=executor, cameras=cameras, board=board
        )
        await _until_signalled(agent)

    # Not asyncio.run: it would wait at its end for every thread, a model's warm-up or a hanging probe included.
    try:
        asyncio.new_event_loop().run_until_complete(main())
    finally:
        stopping = threading.Thread(target=executor.stop, daemon=True)
        stopping.start()
        cameras.stop_all()
        stopping.join(_STOP_S)


async def _until_signalled(agent: Agent) -> None:
    loop, running = asyncio.get_running_loop(), asyncio.create_task(agent.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running
    log.info("Stopping")


def _described(answer: Answer, agent: Agent) -> Result | None:
    """The executor knows numbers; people need the query's name and the model's classes."""
    manifest, queries = agent.reconciler.manifest, agent.reconciler.queries
    query = next((query for query in queries if query.query == answer.query), None)
    model = next((m for m in manifest.models if query and m.slot == query.slot), None) if manifest else None
    if query is None or model is None:
        return None
    return Result(query.query, query.name, query.objects, answer.frame, answer.prediction, model.classes)
