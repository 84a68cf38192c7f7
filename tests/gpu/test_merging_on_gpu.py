"""What only an accelerator shows of merging: mixed precision, copies to it and back. The CPU tests hold the rules."""

import copy

import numpy as np
import pytest
import torch

from edge_runtime.vision.architectures import build
from edge_runtime.vision.inventory import layer_inventory
from edge_runtime.vision.spec import Task
from workers.merging.configuration import MergeConfiguration
from workers.merging.frames import FrameSet
from workers.merging.matching import maximal_configuration
from workers.merging.precision import Precision, precision_for
from workers.merging.queries import MergingQuery, merging_query
from workers.merging.sharing import SharedNetworks
from workers.merging.splits import Splits
from workers.merging.training import JointTraining, TrainingSettings
from workers.merging.trial import AcceptedGroup, Trial, TrialSettings
from workers.merging.workload import FolderData, ModelPart, QueryPart

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
GPU, CPU = torch.device("cuda"), torch.device("cpu")
SIZE = (32, 32)


def query(name: str, seed: int) -> MergingQuery:
    model = ModelPart(architecture="resnet18_w24", weights="unused", classes=("day", "dusk", "night"), input_size=SIZE)
    part = QueryPart(name=name, task=Task.CLASSIFICATION, model=model, data=FolderData("unused"), accuracy_target=0.95)
    torch.manual_seed(seed)
    pictures = np.random.default_rng(seed).integers(0, 255, (3, 8, *SIZE, 3), dtype=np.uint8)
    frames = Splits(*(FrameSet(part.model.spec, some, (None,) * 8) for some in pictures))
    return merging_query(part, build(part.model.spec).requires_grad_(False), frames, GPU)


def everything_shared(queries: list[MergingQuery]) -> tuple[SharedNetworks, MergeConfiguration]:
    networks = {one.name: copy.deepcopy(one.original).requires_grad_(True) for one in queries}
    inventories = {name: layer_inventory(network) for name, network in networks.items()}
    contents = {(name, layer.name): f"{name} {layer.name}" for name, layers in inventories.items() for layer in layers}
    return SharedNetworks(networks), maximal_configuration(inventories, contents)


class Recorder:
    def __init__(self) -> None:
        self.groups: list[AcceptedGroup] = []
        self.devices: set[str] = set()

    def should_stop(self) -> bool:
        return False

    def steps_affordable(self, training: JointTraining) -> int:
        self.devices |= {held.device.type for held in training.tensors().values() if held.dim()}
        return training.planned

    def between_steps(self, trial: Trial, training: JointTraining) -> None: ...

    def resumed(self, training: JointTraining) -> None: ...

    def progressed(self, training: JointTraining) -> None: ...

    def evaluated(self, configuration: MergeConfiguration, figures: object) -> None: ...

    def accepted(self, group: AcceptedGroup) -> None:
        self.groups.append(group)


def test_makes_the_same_inputs_as_the_cpu():
    frames = query("a", 1).train
    torch.testing.assert_close(frames.batch(range(8), GPU).cpu(), frames.batch(range(8)))


def test_needs_no_loss_scaling_where_bfloat16_is_there():
    wanted = Precision.BFLOAT16 if torch.cuda.is_bf16_supported() else Precision.FLOAT16
    assert precision_for(GPU) is wanted


@pytest.mark.parametrize("precision", list(Precision))
def test_trains_on_the_gpu_and_hands_out_full_precision_on_the_cpu(precision: Precision):
    queries = [query("a", 1), query("b", 2)]
    shared, configuration = everything_shared(queries)
    training = TrainingSettings(batch=4, least_steps=3, most_steps=3, evaluate_every=3, precision=precision)
    recorder = Recorder()
    settings = TrialSettings(training=training, seed=1, device=GPU, needs_targets=False)
    Trial(
        configuration, MergeConfiguration(), queries=queries, shared=shared, settings=settings, observer=recorder
    ).run()
    (group,) = recorder.groups
    assert recorder.devices == {"cuda"}
    tensors = [tensor for state in group.states.values() for tensor in state.values()]
    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    assert {tensor.dtype for tensor in tensors if tensor.is_floating_point()} == {torch.float32}
    assert all(torch.isfinite(tensor).all() for tensor in tensors)
    assert {parameter.device for parameter in shared.parameters(shared.networks)} == {CPU}
    for layer in configuration.groups:
        assert len({id(shared.layer(place).weight) for place in layer.places}) == 1
