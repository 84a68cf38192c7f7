"""Whether a box would keep up with a workload that nobody has given it yet, from what boxes measured. Pure: rows in.

Weights are counted as the manifest would name them, layers of merged groups once. Times and activations are those of
the network: measured on this box, else of one that differs in its number of classes only, else on a box with the same
hardware. Where none is known nothing is foretold, since a guess would look like a measurement.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext

from edge_runtime.protocol.manifest import ModelEntry, TensorEntry
from edge_runtime.scheduling.advice import weight_bytes
from edge_runtime.scheduling.assessment import Plan
from edge_runtime.scheduling.likeness import Likeness
from edge_runtime.scheduling.words import Batch, Budget, ModelProfile, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload
from webapp.merges.models import MergedGroupQuery
from webapp.rollouts.composing import model_entries
from webapp.rollouts.models import BoxMeasurement, NetworkMeasurement
from webapp.workloads.models import Model, Query

_NOT_RESIDENT = "num_batches_tracked"  # counters of training, which no box holds


@dataclass(frozen=True)
class Network:
    architecture: str
    input_size: tuple[int, int]
    classes: int

    def __str__(self) -> str:
        return gettext("%(architecture)s at %(low)s × %(high)s") % {
            "architecture": self.architecture,
            "low": self.input_size[1],
            "high": self.input_size[0],
        }


@dataclass(frozen=True)
class Figures:
    """Batches of one network, and what switching to it takes.

    `origin`: "" where this box measured this very network, else words for a person.
    `is_doubted`: the box that measured them doubts them (protocol.measurements.BatchMeasured).
    """

    batches: tuple[Batch, ...]
    origin: str = ""
    is_doubted: bool = False
    switch_ms: float = 0.0


@dataclass(frozen=True)
class Proposal:
    """What a box would be asked. `plan` is None where something was never measured, named in `unknown`.

    `estimated`: whose run times stand for those of networks that this box has not measured itself. `doubted`: networks
    whose run times are in doubt.
    """

    weight_bytes: int
    plan: Plan | None
    unknown: tuple[str, ...] = ()
    estimated: tuple[str, ...] = ()
    doubted: tuple[str, ...] = ()


def network_of(model: Model) -> Network:
    return Network(model.architecture, (model.input_height, model.input_width), len(model.classes))


def figures_for(
    network: Network, here: Iterable[NetworkMeasurement], like: Iterable[NetworkMeasurement]
) -> Figures | None:
    """`here`: of this box; `like`: of boxes with the same hardware, with their box."""
    alike = [row for row in here if _fits(row, network)]
    same = next((row for row in alike if row.class_count == network.classes), None)
    if same is not None:
        return _figures(same)
    if alike:
        return _figures(
            alike[0],
            gettext("%(network)s with %(class_count)s classes, measured on this box")
            % {"network": network, "class_count": alike[0].class_count},
        )
    others = [row for row in like if _fits(row, network)]
    if others:
        nearest = min(others, key=lambda row: (abs(row.class_count - network.classes), -row.measured_at.timestamp()))
        origin = gettext("%(network)s, measured on %(box)s, which has the same hardware") % {
            "network": network,
            "box": nearest.measurement.box,
        }
        return _figures(nearest, origin)
    return None


def proposal(
    queries: Sequence[Query],
    merged: Mapping[UUID, MergedGroupQuery],
    measurement: BoxMeasurement | None,
    figures: Mapping[Network, Figures | None],
) -> Proposal:
    """The box's workload if `queries` were all of it, with the members of `merged` groups."""
    entries = model_entries(queries, merged)
    networks = {str(query.id): network_of(query.model) for query in queries}
    found = {slot: figures.get(network) for slot, network in networks.items()}
    profiles = Profiles(tuple(_profile(entry, found[entry.slot]) for entry in entries))
    unknown = {str(networks[slot]): None for slot, known in found.items() if known is None}
    plan = None
    if measurement is not None and not unknown:
        plan = Plan(Workload(tuple(map(_load, queries))), profiles, budget_of(measurement), measurement.policy)
    return Proposal(
        weight_bytes=weight_bytes(profiles),
        plan=plan,
        unknown=tuple(unknown),
        estimated=tuple({known.origin: None for known in found.values() if known and known.origin}),
        doubted=tuple({str(networks[slot]): None for slot, known in found.items() if known and known.is_doubted}),
    )


def budget_of(measurement: BoxMeasurement) -> Budget:
    rate = measurement.load_bytes_per_s
    return Budget(
        measurement.budget_bytes,
        measurement.overhead_bytes,
        math.inf if rate is None else rate,
        measurement.visit_ms,
        measurement.short_visit_ms,
    )


def likeness_of(queries: Iterable[Query], merged: Mapping[UUID, MergedGroupQuery]) -> Likeness:
    """Which tensors a merge might share: the k-th layer of one signature in one model with the k-th in others."""
    return {
        str(query.id): _alike(query.model.layers, query.model.tensors if member is None else member.tensors)
        for query in queries
        for member in (merged.get(query.id),)
    }


def _alike(layers: Iterable[Mapping[str, object]], tensors: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    seen: Counter[object] = Counter()
    names: dict[str, str] = {}
    for layer in layers:
        signature, parameters = layer.get("signature"), layer.get("parameters")
        for parameter in parameters if isinstance(parameters, list) else ():
            if parameter in tensors:
                role = str(parameter).rpartition(".")[2]
                names[tensors[parameter]["digest"]] = f"{signature} #{seen[signature]} {role}"
        seen[signature] += 1
    return names


def _profile(entry: ModelEntry, figures: Figures | None) -> ModelProfile:
    known = figures or Figures((Batch(1, 0.0, 0),))
    return ModelProfile(entry.slot, _resident(entry.tensors), known.batches, known.switch_ms)


def _resident(tensors: Mapping[str, TensorEntry]) -> dict[str, int]:
    return {one.digest: one.size_bytes for name, one in tensors.items() if not name.endswith(_NOT_RESIDENT)}


def _load(query: Query) -> QueryLoad:
    slot = str(query.id)
    return QueryLoad(slot, slot, query.rate_fps, query.deadline_ms, str(query.camera_id), query.priority)


def _fits(row: NetworkMeasurement, network: Network) -> bool:
    return row.architecture == network.architecture and (row.input_height, row.input_width) == network.input_size


def _figures(row: NetworkMeasurement, origin: str = "") -> Figures:
    batches = (
        Batch(int(size), float(run_ms), int(size_bytes), *rest[1:]) for size, run_ms, size_bytes, *rest in row.batches
    )
    return Figures(tuple(batches), origin, row.is_doubted, row.switch_ms)
