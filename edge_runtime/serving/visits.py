"""Lets a real engine serve the models of a bundle for a while, to see what its own work in a visit takes."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge_runtime.protocol.manifest import Manifest
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scheduling.words import Profiles
from edge_runtime.serving.device_memory import DeviceMemory, TensorSource
from edge_runtime.serving.engine import Engine, Surroundings
from edge_runtime.serving.intake import Intake
from edge_runtime.serving.preparation import PICTURE, Prepared, ServedModel
from edge_runtime.serving.repetition import Repetition
from edge_runtime.serving.tally import Tally
from edge_runtime.serving.transfer import Transfer
from edge_runtime.vision.spec import Frame

_EVER_MS = 10**9


@dataclass(frozen=True)
class Served:
    """Models that serve one query each, measured before; nothing of them may be resident anywhere."""

    manifest: Manifest
    models: Sequence[ServedModel]
    profiles: Profiles
    tensor: TensorSource

    def prepared(self) -> Prepared:
        queries = tuple(_query(model.slot) for model in self.models)
        models = {model.slot: model for model in self.models}
        return Prepared(self.manifest, queries, models, self.profiles, {}, self.tensor)


def own_work_ms(
    served: Served, budget_bytes: int, transfer: Transfer, surroundings: Surroundings, repetition: Repetition
) -> list[float]:
    """Of every visit in rounds of all models, within `budget_bytes`.

    Only of visits that found memory as it stays: all of the models there, or not all of them.
    """
    memory, tally = DeviceMemory(budget_bytes=budget_bytes, overhead_bytes=0, transfer=transfer), Tally()
    intake = Intake(tally.dropped)
    engine = Engine(memory, intake, tally, surroundings)
    engine.activate(served.prepared())
    for number in repetition.rounds():
        for model in served.models:
            intake.offer(Frame(model.slot, number, PICTURE, captured_at=surroundings.clock(), at=0.0))
        while engine.step():
            pass
    is_short = len(memory.resident()) < len(served.profiles.users)
    memory.evict(memory.resident())
    return engine.own_work.times_ms(is_short=is_short)


def _query(slot: str) -> QueryTarget:
    """Of a camera of its own, whose every frame is wanted."""
    return QueryTarget(slot, slot, slot, slot, objects=(), rate_fps=1e6, deadline_ms=_EVER_MS, accuracy_target=0.9)
