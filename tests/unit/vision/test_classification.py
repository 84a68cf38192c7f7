import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.vision.spec import Classification, LabelTruth, ModelSpec
from edge_runtime.vision.tasks import Teaching, functions_for

SPEC = ModelSpec("resnet18_w24", ("day", "dusk", "night"), (8, 8))
FUNCTIONS = functions_for(SPEC)


class Fixed(nn.Module):
    """Answers with its one parameter, whatever the pictures."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(torch.tensor(logits))

    def forward(self, batch):
        return self.logits


BATCH = torch.zeros(2, 3, 8, 8)
LOGITS = [[2.0, 0.0, -1.0], [0.0, 1.0, 3.0]]


def test_the_likeliest_class_is_the_answer():
    first, second = FUNCTIONS.predict(Fixed(LOGITS), BATCH)
    assert (first.label, second.label) == (0, 2)
    weights = np.exp(np.array(LOGITS[0]))
    np.testing.assert_allclose(first.probabilities, weights / weights.sum(), rtol=1e-6)


def test_label_loss_is_the_mean_cross_entropy_of_the_labelled_pictures():
    loss = FUNCTIONS.loss(Fixed(LOGITS), BATCH, truths=[LabelTruth(1), None], teaching=None)
    weights = np.exp(np.array(LOGITS[0]))
    assert loss.item() == pytest.approx(-np.log(weights[1] / weights.sum()), rel=1e-5)


def test_distillation_is_the_divergence_from_the_teacher_at_temperature_two():
    teacher = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 3.0]])
    teaching = Teaching(tensors=(torch.tensor(teacher, dtype=torch.float32),))
    loss = FUNCTIONS.loss(Fixed(LOGITS), BATCH, truths=[None, None], teaching=teaching)
    p, q = (
        np.exp(logits / 2) / np.exp(logits / 2).sum(axis=1, keepdims=True) for logits in (teacher, np.array(LOGITS))
    )
    assert loss.item() == pytest.approx(4 * (p * np.log(p / q)).sum() / 2, rel=1e-4)


def test_a_network_learns_nothing_from_itself():
    module = Fixed(LOGITS)
    loss = FUNCTIONS.loss(module, BATCH, truths=[None, None], teaching=FUNCTIONS.teach(module, BATCH))
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    torch.testing.assert_close(module.logits.grad, torch.zeros(2, 3), atol=1e-6, rtol=0)


def test_without_labels_and_teacher_the_loss_is_zero_and_harmless():
    module = Fixed(LOGITS)
    FUNCTIONS.loss(module, BATCH, truths=[None, None], teaching=None).backward()
    assert not module.logits.grad.any()


def test_teaching_is_detached_and_taken_in_eval_mode():
    module = Fixed(LOGITS).train()
    teaching = FUNCTIONS.teach(module, BATCH)
    assert not teaching.tensors[0].requires_grad
    assert not module.training
    FUNCTIONS.loss(module, BATCH, truths=[None, None], teaching=None)
    assert module.training


@pytest.mark.parametrize(
    ("tags", "truth"),
    [
        (("rain", "night"), LabelTruth(2)),
        (("rain",), None),
        (("day", "night"), None),
        ((), None),
        (None, None),
    ],
)
def test_the_one_tag_that_is_a_class_is_the_truth(tags, truth):
    assert FUNCTIONS.truth_of(None, tags, SPEC) == truth


def test_only_the_answered_class_counts():
    answer = Classification(2, np.array([0.1, 0.2, 0.7], dtype=np.float32))
    assert FUNCTIONS.counts(answer, SPEC, ("night", "day")) == {"night": 1.0, "day": 0.0}
    assert FUNCTIONS.agreement_truth(answer) == LabelTruth(2)


def test_kept_teachings_can_be_picked_and_put_together():
    whole = Teaching(tensors=(torch.arange(4), torch.arange(4) * 10), truths=tuple(map(LabelTruth, range(4))))
    again = Teaching.gathered([whole.chosen([3]), whole.chosen([0, 1])])
    assert [tensor.tolist() for tensor in again.tensors] == [[3, 0, 1], [30, 0, 10]]
    assert again.truths == (LabelTruth(3), LabelTruth(0), LabelTruth(1))
