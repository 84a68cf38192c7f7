"""A whole agent in this process, with real cameras and bundles and without models, and what tests ask about it."""

import asyncio
import contextlib
import time

import torch

from edge_runtime.agent.agent import Agent
from edge_runtime.agent.event_spool import EventSpool
from edge_runtime.agent.identity import Identity
from edge_runtime.agent.server import ServerApi
from edge_runtime.agent.stats_spool import StatsSpool
from edge_runtime.answers.byte_track import ByteTracker
from edge_runtime.answers.desk import AnswerDesk
from edge_runtime.answers.results import ResultBoard
from edge_runtime.bundles.tensors import tensor_entry
from edge_runtime.bundles.throttle import Throttle
from edge_runtime.protocol.manifest import ModelEntry
from edge_runtime.video.cameras import CameraSet
from tests.simulators.box_server import BOX, CREDENTIAL
from tests.simulators.serving import FakeHealth, FakeServing


class Box:
    """A box in this process, without models; only its folder outlives it. `server` has a `url` and a `public_key`."""

    def __init__(self, server, folder, box=BOX, credential=CREDENTIAL):
        self.server, self.folder = server, folder
        self.box, self.credential = box, credential
        self.serving, self.health = FakeServing(), FakeHealth()

    async def start(self):
        self.make()
        self.task = asyncio.create_task(self.agent.run())

    def make(self):
        identity = Identity(self.server.url, self.box, "Depot", self.credential, self.server.public_key)
        self.cameras = CameraSet(lambda frame: None)
        self.answers = AnswerDesk(tracker=ByteTracker)
        self.agent = Agent(
            identity=identity,
            state_dir=self.folder,
            api=ServerApi(identity),
            serving=self.serving,
            cameras=self.cameras,
            board=ResultBoard(),
            throttle=Throttle(),
            answers=self.answers,
            spool=EventSpool(self.folder / "events.sqlite"),
            stats_spool=StatsSpool(self.folder / "statistics.sqlite"),
            health=self.health,
        )

    @property
    def is_connected(self):
        return self.agent._outbox.is_connected

    def runs(self, version):
        return self.serving.running is not None and self.serving.running.manifest.version == version

    async def kill(self):
        """As `kill -9` does: nothing is put in order."""

        async def nothing():
            pass

        self.agent.bundles.stop = self.agent._stats_keeper.stop = nothing
        await self.stop()

    async def stop(self):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task
        self.cameras.stop_all()


async def until(condition, timeout_s=10.0):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


def publish(server, *values, version):
    """A bundle of one model with one tensor per value. Returns (bundle digest, blob digests)."""
    tensors = {f"layer{i}.weight": torch.full((8,), float(value)) for i, value in enumerate(values)}
    entries = {name: tensor_entry(tensor) for name, tensor in tensors.items()}
    model = ModelEntry("s1", "detection", "tiny", ("car", "person"), (64, 64), entries)
    blobs = {entries[name].digest: tensor for name, tensor in tensors.items()}
    return server.publish((model,), blobs, version=version), set(blobs)


def last_report(server):
    return server.reports[-1] if server.reports else None


def is_running(server, digest):
    report = last_report(server)
    return report is not None and report.manifest_digest == digest and report.state == "running"
