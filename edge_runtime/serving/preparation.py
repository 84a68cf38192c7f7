"""A bundle made ready to run: skeletons, checked against their tensors, and a measured profile of each model.

Prepared beside the bundle that runs. What is measured here runs on the executor's thread, within the budget.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest, ModelEntry
from edge_runtime.protocol.target import QueryTarget
from edge_runtime.scheduling.admission import BudgetTooSmall
from edge_runtime.scheduling.words import Batch, ModelProfile, Profiles
from edge_runtime.serving.answering import AnswerNotFinite, answer, batch_of
from edge_runtime.serving.device_memory import BudgetExceeded, DeviceMemory, TensorSource
from edge_runtime.serving.skeleton import Skeleton, spec_of
from edge_runtime.serving.switching import switch_ms
from edge_runtime.vision.activations import activation_bytes
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.tasks import TaskFunctions, functions_for

BATCH_SIZES = (1, 2, 4)
_TIMED_RUNS, _TIMED_MS = 3, 150.0  # other queries lose frames meanwhile
PICTURE = np.full((360, 640, 3), 114, dtype=np.uint8)  # grey: noise makes an untrained detector find thousands


class UnknownSlot(GemelError):
    code = "unknown_slot"


@dataclass(frozen=True)
class ServedModel:
    """One slot. `original` is the network it is scored against, on the CPU; None where the slot runs the original."""

    entry: ModelEntry
    skeleton: Skeleton
    functions: TaskFunctions
    original: Skeleton | None

    @property
    def slot(self) -> str:
        return self.entry.slot


@dataclass(frozen=True)
class Prepared:
    """`profiles` lack the slots in `problems` (slot to sentence): those failed their warm-up and will not run.

    `forecast`: one sentence where frames will be lost, else empty.
    """

    manifest: Manifest
    queries: tuple[QueryTarget, ...]
    models: dict[str, ServedModel]
    profiles: Profiles
    problems: dict[str, str]
    tensor: TensorSource
    forecast: str = ""


def names_by_slot(queries: Sequence[QueryTarget]) -> dict[str, list[str]]:
    """What people call the queries of each slot."""
    names: dict[str, list[str]] = {}
    for query in queries:
        names.setdefault(query.slot, []).append(query.name)
    return names


def models_of(manifest: Manifest, queries: Sequence[QueryTarget], device: torch.device) -> dict[str, ServedModel]:
    """The models that `queries` run; see `served_models`. Raises UnknownSlot, too."""
    slots = {entry.slot for entry in manifest.models}
    for query in queries:
        if query.slot not in slots:
            raise UnknownSlot(
                f"Bundle version {manifest.version} has no model for query {query.name}. "
                "The models that run were kept; publish the bundle again."
            )
    return served_models(manifest, list(dict.fromkeys(query.slot for query in queries)), device)


def served_models(manifest: Manifest, slots: Sequence[str], device: torch.device) -> dict[str, ServedModel]:
    """The models of `slots`, by slot, as skeletons. Raises WeightsIncomplete, UnknownArchitecture."""
    entries = {entry.slot: entry for entry in manifest.models}
    built: dict[ModelSpec, Skeleton] = {}
    return {slot: _served(entries[slot], device, built) for slot in slots}


def _served(entry: ModelEntry, device: torch.device, built: dict[ModelSpec, Skeleton]) -> ServedModel:
    spec = spec_of(entry)
    skeleton = Skeleton(spec, entry.tensors, device, like=built.get(spec))
    built.setdefault(spec, skeleton)
    original = None
    if entry.original_tensors is not None and entry.original_tensors != entry.tensors:
        original = Skeleton(spec, entry.original_tensors, torch.device("cpu"), like=skeleton)
    return ServedModel(entry, skeleton, functions_for(spec), original)


def known_profile(model: ServedModel, running: Prepared | None) -> ModelProfile | None:
    """That of the same model in the running bundle: it is warm, and measuring it again would only cost frames."""
    before = running.models.get(model.slot) if running else None
    if running is None or before is None or before.entry.tensors != model.entry.tensors:
        return None
    return running.profiles.by_slot.get(model.slot) if before.skeleton.spec == model.skeleton.spec else None


def known_batches(running: Prepared) -> dict[ModelSpec, tuple[Batch, ...]]:
    """What is measured already: time and activations depend on the network, not on its weights."""
    return {running.models[profile.slot].skeleton.spec: profile.batches for profile in running.profiles.models}


def measure(
    model: ServedModel,
    memory: DeviceMemory,
    *,
    tensor: TensorSource,
    device: torch.device,
    clock: Callable[[], float],
    known: tuple[Batch, ...] | None = None,
) -> ModelProfile:
    """Warms `model` up in `memory`, where it stays resident, and measures it.

    It is measured alone, since what it needs is not known yet. `known` batches, of a model with the same spec, are
    taken over: then one run is enough, and no more is evicted than that run needs.
    Raises BudgetTooSmall, AnswerNotFinite, and whatever the network or `tensor` raises.
    """
    skeleton = model.skeleton
    switching_ms = switch_ms(skeleton, tensor, clock)
    room_bytes = known[0].activation_bytes + memory.missing_bytes(skeleton) if known else memory.budget_bytes
    memory.make_room(room_bytes, keep=skeleton.wanted)
    try:
        memory.load(skeleton, tensor)
    except BudgetExceeded as error:
        raise _too_small(model, memory, 0) from error
    memory.attach(skeleton)
    _require_finite(skeleton)
    batches = known or _measured_batches(model, memory, device, clock)
    if known:
        with memory.activations(known[0].activation_bytes):
            answer(skeleton, model.functions, [PICTURE], device)
    sizes = {key: one.size_bytes for key, one in skeleton.wanted.items()}
    return ModelProfile(model.slot, sizes, batches, switching_ms)


def _measured_batches(
    model: ServedModel, memory: DeviceMemory, device: torch.device, clock: Callable[[], float]
) -> tuple[Batch, ...]:
    """Of the sizes that find room beside the weights, which are all that is resident."""
    batches: list[Batch] = []
    for size in BATCH_SIZES:
        if batches and size * batches[0].activation_bytes > memory.free_bytes:
            break
        batch = batch_of([PICTURE] * size, model.skeleton.spec, device)
        needed_bytes = activation_bytes(model.skeleton.module, batch)
        if needed_bytes > memory.free_bytes:
            if not batches:
                raise _too_small(model, memory, needed_bytes)
            break
        with memory.activations(needed_bytes):
            batches.append(Batch(size, _run_ms(model, size, device, clock), needed_bytes))
    return tuple(batches)


def _run_ms(model: ServedModel, size: int, device: torch.device, clock: Callable[[], float]) -> float:
    """Median of whole visits, from pictures to predictions; fewer of a slow model, whose time varies less."""
    times: list[float] = []
    while len(times) < _TIMED_RUNS and sum(times) < _TIMED_MS:
        started_at = clock()
        answer(model.skeleton, model.functions, [PICTURE] * size, device)
        times.append(1000 * (clock() - started_at))
    return statistics.median(times)


def _require_finite(skeleton: Skeleton) -> None:
    """A detector with NaN weights just finds nothing, so its answers would not show it.

    By sums, which need no memory: looking at every value would take twice that of the largest tensor.
    """
    for tensor in skeleton.module.state_dict().values():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor.sum(dtype=torch.float32))):
            raise AnswerNotFinite("Its weights hold values that are no numbers.")


def _too_small(model: ServedModel, memory: DeviceMemory, activations: int) -> BudgetTooSmall:
    needed = model.skeleton.weight_bytes + activations + memory.overhead_bytes
    return BudgetTooSmall(model.slot, needed, memory.budget_bytes)
