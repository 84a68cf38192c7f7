"""The executor as the agent sees it, without a single model: remembers what it was told to run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest, TensorEntry
from edge_runtime.protocol.measurements import BoxMeasured
from edge_runtime.protocol.messages import HostSample, LogLine, MemorySample, QuerySample
from edge_runtime.protocol.target import QueryTarget


@dataclass(frozen=True)
class Prepared:
    manifest: Manifest
    queries: tuple[QueryTarget, ...]


class FakeHealth:
    """`newest`: figures of the hardware that are told once."""

    def __init__(self) -> None:
        self.newest: HostSample | None = None
        self.sentences: tuple[str, ...] = ()
        self.logged: list[str] = []

    def sample(self) -> HostSample | None:
        newest, self.newest = self.newest, None
        return newest

    def warnings(self) -> tuple[str, ...]:
        return self.sentences

    def log_lines(self, after: int) -> tuple[LogLine, ...]:
        return tuple(LogLine(number, 0.0, "info", text) for number, text in enumerate(self.logged, 1) if number > after)


class FakeServing:
    """`refusal`: raised by the next `prepare` calls while set."""

    def __init__(self) -> None:
        self.running: Prepared | None = None
        self.activations: list[Prepared] = []
        self.refusal: GemelError | None = None
        self.model_problems: dict[str, str] = {}
        self.overall_warnings: tuple[str, ...] = ()
        self.activated: Callable[[Prepared], object] = lambda prepared: None
        self.told: BoxMeasured | None = None
        self.samples: tuple[QuerySample, ...] = ()

    def prepare(
        self, manifest: Manifest, queries: Sequence[QueryTarget], tensor: Callable[[TensorEntry], torch.Tensor]
    ) -> Prepared:
        if self.refusal:
            raise self.refusal
        for model in manifest.models:
            for entry in model.tensors.values():
                assert tensor(entry).shape == entry.shape
        return Prepared(manifest, tuple(queries))

    def activate(self, prepared: Prepared) -> None:
        self.running = prepared
        self.activations.append(prepared)
        self.activated(prepared)

    def sample(self) -> tuple[MemorySample, tuple[QuerySample, ...]]:
        memory = MemorySample(budget=100, private=10, shared=0, activations=0, overhead=0, free=90, rss=1000)
        return memory, self.samples

    def problems(self) -> dict[str, str]:
        return self.model_problems

    def measured(self) -> BoxMeasured | None:
        return self.told if self.running else None

    def warnings(self) -> tuple[str, ...]:
        return self.overall_warnings
