import math

import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.vision.architectures import build
from edge_runtime.vision.architectures.yolov3 import YoloScale
from edge_runtime.vision.metrics import accuracy, frame_score
from edge_runtime.vision.spec import BoxTruth, Detections, ModelSpec
from edge_runtime.vision.tasks import functions_for
from edge_runtime.vision.tasks.yolo_targets import yolo_targets

SPEC = ModelSpec("yolov3_tiny", ("car", "bus"), (64, 96))
FUNCTIONS = functions_for(SPEC)
BATCH = torch.zeros(2, 3, 64, 96)
GRIDS = ((32, ((40, 40), (80, 50)), (2, 3)), (16, ((10, 12), (16, 32)), (4, 6)))  # stride, anchors, (rows, columns)


def scales_of(raws):
    return [YoloScale(raw, anchors, stride) for raw, (stride, anchors, _) in zip(raws, GRIDS, strict=True)]


class Fixed(nn.Module):
    """Answers with its parameters, whatever the pictures; two anchors per grid."""

    def __init__(self, raws):
        super().__init__()
        self.raws = nn.ParameterList(raws)

    def forward(self, batch):
        return tuple(scales_of(self.raws))


def raws(seed=None, pictures=2):
    generator = torch.Generator().manual_seed(seed or 0)
    draw = torch.zeros if seed is None else lambda *shape: torch.randn(*shape, generator=generator)
    return [draw(pictures, 2, 5 + 2, *grid) for _, _, grid in GRIDS]


def truth(*boxes):
    """Of (left, top, right, bottom in pixels of a 64 x 96 input, label)."""
    values = np.array([box[:4] for box in boxes], dtype=np.float32).reshape(-1, 4)
    return BoxTruth(values / np.float32([96, 64, 96, 64]), np.array([box[4] for box in boxes], dtype=np.int64))


# One like an anchor of the coarse grid, one like an anchor of the fine one.
BIG, SMALL = (22.0, 14.0, 60.0, 56.0, 1), (70.0, 20.0, 80.0, 32.0, 0)
TRUTHS = [truth(BIG, SMALL), truth()]


def test_the_anchor_of_the_most_similar_shape_answers_in_the_cell_of_the_centre():
    coarse, fine = yolo_targets(TRUTHS, scales_of(raws()))
    # BIG, 38 x 42 around (41, 35): anchor 40 x 40 at stride 32, row 1, column 1.
    assert [index.tolist() for index in coarse.place] == [[0], [0], [1], [1]]
    torch.testing.assert_close(coarse.center, torch.tensor([[41 / 32 - 1, 35 / 32 - 1]]))
    torch.testing.assert_close(coarse.size, torch.tensor([[math.log(38 / 40), math.log(42 / 40)]]))
    assert coarse.label.tolist() == [1]
    # SMALL, 10 x 12 around (75, 26): anchor 10 x 12 at stride 16, row 1, column 4.
    assert [index.tolist() for index in fine.place] == [[0], [0], [1], [4]]
    torch.testing.assert_close(fine.size, torch.zeros(1, 2), atol=1e-5, rtol=0)
    assert (coarse.is_object.sum(), fine.is_object.sum()) == (1, 1)


def slow_overlap(first, second):
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    both = max(width, 0.0) * max(height, 0.0)
    return both / (sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)) - both)


def test_other_anchors_that_lie_on_an_object_answer_for_nothing():
    wide = (20.0, 0.0, 76.0, 42.0, 0)  # more like the anchor of 40 x 40, but that of 80 x 50 lies on it too
    for (stride, anchors, grid), target in zip(GRIDS, yolo_targets([truth(wide)], scales_of(raws())), strict=True):
        for anchor, (across, down) in enumerate(anchors):
            for row, column in np.ndindex(grid):
                x, y = (column + 0.5) * stride, (row + 0.5) * stride
                prior = (x - across / 2, y - down / 2, x + across / 2, y + down / 2)
                is_object = bool(target.is_object[0, anchor, row, column])
                expected = slow_overlap(prior, wide[:4]) > 0.5 and not is_object
                assert bool(target.is_ignored[0, anchor, row, column]) is expected
    assert yolo_targets([truth(wide)], scales_of(raws()))[0].is_ignored.any()


def test_boxes_of_less_than_a_pixel_are_no_target():
    targets = yolo_targets([truth((10.0, 10.0, 10.5, 30.0, 0))], scales_of(raws(pictures=1)))
    assert not any(target.is_object.any() or target.is_ignored.any() for target in targets)


def perfect(truths):
    """What a network that knows the truth answers."""
    answer = raws()
    for raw, target in zip(answer, yolo_targets(truths, scales_of(answer)), strict=True):
        raw[:, :, 4:] = -12.0
        picture, anchor, row, column = target.place
        raw[picture, anchor, 0:2, row, column] = target.center.logit()
        raw[picture, anchor, 2:4, row, column] = target.size
        raw[picture, anchor, 4, row, column] = 12.0
        raw[picture, anchor, 5 + target.label, row, column] = 12.0
    return Fixed(answer)


def test_answers_made_from_boxes_decode_to_the_same_boxes():
    first, second = FUNCTIONS.predict(perfect(TRUTHS), BATCH)
    order = first.labels.argsort()[::-1]
    assert first.labels[order].tolist() == [1, 0]
    np.testing.assert_allclose(first.boxes[order], TRUTHS[0].boxes, atol=1e-5)
    assert (first.scores > 0.99).all()
    assert len(second.scores) == 0


def test_an_object_may_be_of_several_classes_and_is_found_once_in_each():
    answer = raws(pictures=1)
    for raw in answer:
        raw[:, :, 4] = -12.0
    answer[0][0, :, 4, 0, 1] = 12.0  # two anchors of one cell, 40 x 40 and 80 x 50: both say the same of both classes
    answer[0][0, 1, 2:4, 0, 1] = torch.tensor([40 / 80, 40 / 50]).log()
    answer[0][0, 0, 5:, 0, 1] = torch.tensor([2.0, 1.0])
    answer[0][0, 1, 5:, 0, 1] = torch.tensor([0.0, 3.0])
    found = FUNCTIONS.predict(Fixed(answer), BATCH[:1])[0]
    expected = 1 / (1 + np.exp([-3.0, -2.0]))
    assert found.labels.tolist() == [1, 0]
    np.testing.assert_allclose(found.scores, expected, rtol=1e-4)
    np.testing.assert_allclose(found.boxes[0], [28 / 96, 0, 68 / 96, 36 / 64], atol=1e-6)


def cross_entropy(logit, target):
    probability = 1 / (1 + math.exp(-logit))
    return -target * math.log(probability) - (1 - target) * math.log(1 - probability)


def test_label_loss_is_the_papers():
    module = Fixed(raws(seed=1, pictures=3))
    expected = 0.0
    targets = yolo_targets([*TRUTHS], scales_of([raw[:2] for raw in module.raws]))
    for raw, target in zip(module.raws, targets, strict=True):
        for place in np.ndindex(tuple(target.is_object.shape)):
            picture, anchor, row, column = place
            if not target.is_ignored[place]:
                expected += cross_entropy(raw[picture, anchor, 4, row, column].item(), float(target.is_object[place]))
        for index, (picture, anchor, row, column) in enumerate(zip(*target.place, strict=True)):
            x, y, width, height, _, *classes = raw[picture, anchor, :, row, column].tolist()
            for logit, wanted in zip((x, y), target.center[index].tolist(), strict=True):
                expected += cross_entropy(logit, wanted)
            for value, wanted in zip((width, height), target.size[index].tolist(), strict=True):
                expected += (value - wanted) ** 2 / 2
            for label, logit in enumerate(classes):
                expected += cross_entropy(logit, float(label == target.label[index]))
    loss = FUNCTIONS.loss(module, torch.zeros(3, 3, 64, 96), truths=[*TRUTHS, None], teaching=None)
    assert loss.item() == pytest.approx(expected / 2, rel=1e-4)  # two objects in two labelled pictures


def test_a_network_learns_nothing_from_itself():
    module = Fixed(raws(seed=2))
    loss = FUNCTIONS.loss(module, BATCH, truths=[None, None], teaching=FUNCTIONS.teach(module, BATCH))
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-4)
    assert max(raw.grad.abs().max() for raw in module.raws) < 1e-2


def test_distillation_pulls_towards_the_teacher():
    teacher, student = perfect(TRUTHS), Fixed(raws())
    teaching = FUNCTIONS.teach(teacher, BATCH)
    assert not any(tensor.requires_grad for tensor in teaching.tensors)
    optimiser = torch.optim.Adam(student.parameters(), lr=0.3)
    for _ in range(100):
        optimiser.zero_grad()
        FUNCTIONS.loss(student, BATCH, truths=[None, None], teaching=teaching).backward()
        optimiser.step()
    taught, learned = (FUNCTIONS.predict(module, BATCH)[0] for module in (teacher, student))
    sure = learned.scores > 0.5
    assert sorted(learned.labels[sure].tolist()) == [0, 1]
    order, wanted = learned.labels[sure].argsort(), taught.labels.argsort()
    np.testing.assert_allclose(learned.boxes[sure][order], taught.boxes[wanted], atol=0.02)


def test_without_labels_and_teacher_the_loss_is_zero_and_harmless():
    module = Fixed(raws(seed=3))
    FUNCTIONS.loss(module, BATCH, truths=[None, None], teaching=None).backward()
    assert not any(raw.grad.any() for raw in module.raws)


def test_the_network_learns_two_pictures_by_heart():
    torch.manual_seed(0)
    batch = torch.rand(2, 3, 64, 96) * 0.1
    batch[0, 0, 14:56, 22:60] += 0.9
    batch[1, 1, 10:50, 40:90] += 0.9
    truths = [truth((22.0, 14.0, 60.0, 56.0, 0)), truth((40.0, 10.0, 90.0, 50.0, 1))]
    module = build(SPEC)
    module.body.requires_grad_(False)  # most of the parameters, and two pictures need none of them
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.5  # so that few steps do
    optimiser = torch.optim.Adam([value for value in module.parameters() if value.requires_grad], lr=3e-3)
    for _ in range(14):
        optimiser.zero_grad()
        FUNCTIONS.loss(module, batch, truths=truths, teaching=None).backward()
        optimiser.step()
    likeliest = [
        Detections(found.boxes[:1], found.labels[:1], found.scores[:1]) for found in FUNCTIONS.predict(module, batch)
    ]
    assert accuracy([frame_score(answer, right) for answer, right in zip(likeliest, truths, strict=True)]) == 1.0
