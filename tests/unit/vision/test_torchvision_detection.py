import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.vision.architectures import build
from edge_runtime.vision.spec import BoxTruth, ModelSpec
from edge_runtime.vision.tasks import Teaching, functions_for

SMALL_DETECTORS = ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"]
TRUTH = BoxTruth(np.array([[0.1, 0.1, 0.6, 0.7]], dtype=np.float32), np.array([1]))


def spec(name=SMALL_DETECTORS[0]):
    return ModelSpec(name, ("car", "bus"), (64, 96))


class Recorder(nn.Module):
    """Stands in for a torchvision detector."""

    def __init__(self, results=()):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.results, self.targets = results, None

    def forward(self, batch, targets=None):
        self.targets = targets
        return {"one": self.weight * len(batch), "two": self.weight * 10} if self.training else list(self.results)


@pytest.mark.parametrize("name", SMALL_DETECTORS)
def test_detectors_answer_and_train(name):
    functions, module = functions_for(spec(name)), build(spec(name))
    batch = torch.rand(2, 3, 64, 96)
    answers = functions.predict(module, batch)
    assert len(answers) == 2
    assert all(((answer.boxes >= 0) & (answer.boxes <= 1)).all() for answer in answers)
    assert all(set(answer.labels) <= {0, 1} for answer in answers)
    loss = functions.loss(module, batch, truths=[TRUTH, None], teaching=Teaching(truths=(TRUTH, TRUTH)))
    loss.backward()
    assert loss.item() > 0
    assert all(parameter.grad is not None for parameter in module.parameters())
    assert sum(bool(parameter.grad.any()) for parameter in module.parameters()) > 100


def test_labels_and_boxes_are_shifted_and_scaled_to_the_products_words():
    result = {
        "boxes": torch.tensor([[9.6, 6.4, 48.0, 64.0], [0.0, 0, 96, 64], [1.0, 1, 2, 2]]),
        "labels": torch.tensor([2, 0, 1]),
        "scores": torch.tensor([0.9, 0.8, 0.01]),
    }
    answer = functions_for(spec()).predict(Recorder([result]), torch.zeros(1, 3, 64, 96))[0]
    np.testing.assert_allclose(answer.boxes, [[0.1, 0.1, 0.5, 1.0]], rtol=1e-6)  # background and noise are gone
    assert answer.labels.tolist() == [1]


def test_labels_win_over_the_original_and_unknown_pictures_are_left_out():
    module, other = Recorder(), BoxTruth(np.zeros((0, 4), np.float32), np.zeros(0, np.int64))
    loss = functions_for(spec()).loss(module, torch.zeros(3, 3, 64, 96), truths=[TRUTH, None, None], teaching=None)
    assert loss.item() == 1 + 10
    np.testing.assert_allclose(module.targets[0]["boxes"], [[9.6, 6.4, 57.6, 44.8]], rtol=1e-6)
    assert module.targets[0]["labels"].tolist() == [2]
    teaching = Teaching(truths=(other, other))
    functions_for(spec()).loss(module, torch.zeros(2, 3, 64, 96), truths=[TRUTH, None], teaching=teaching)
    assert [len(target["labels"]) for target in module.targets] == [1, 0]


def test_boxes_without_area_are_no_target():
    module, flat = Recorder(), BoxTruth(np.array([[0.1, 0.2, 0.1, 0.6]], np.float32), np.array([0]))
    functions_for(spec()).loss(module, torch.zeros(1, 3, 64, 96), truths=[flat], teaching=None)
    assert module.targets[0]["boxes"].shape == (0, 4)


def test_without_labels_and_teacher_the_loss_is_zero():
    loss = functions_for(spec()).loss(Recorder(), torch.zeros(1, 3, 64, 96), truths=[None], teaching=None)
    loss.backward()
    assert loss.item() == 0.0


def test_the_original_teaches_what_it_is_sure_of():
    result = {
        "boxes": torch.tensor([[0.0, 0, 48, 64], [0.0, 0, 96, 32]]),
        "labels": torch.tensor([1, 2]),
        "scores": torch.tensor([0.9, 0.2]),
    }
    teaching = functions_for(spec()).teach(Recorder([result]), torch.zeros(1, 3, 64, 96))
    assert teaching.truths[0].labels.tolist() == [0]
    assert teaching.tensors == ()
