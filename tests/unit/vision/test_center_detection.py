import numpy as np
import pytest
import torch
from torch import nn

from edge_runtime.vision.architectures import build
from edge_runtime.vision.architectures.centernet import CenterMaps
from edge_runtime.vision.metrics import accuracy, frame_score
from edge_runtime.vision.spec import BoxTruth, ModelSpec
from edge_runtime.vision.tasks import functions_for
from edge_runtime.vision.tasks.center_targets import center_targets, gaussian_radius

SPEC = ModelSpec("centernet_resnet18_w24", ("car", "bus"), (32, 64))
FUNCTIONS = functions_for(SPEC)


class Fixed(nn.Module):
    def __init__(self, maps):
        super().__init__()
        self.maps = nn.ParameterList(maps)

    def forward(self, batch):
        return CenterMaps(*self.maps)


def truth(*boxes):
    return BoxTruth(
        np.array([box for box, _ in boxes], dtype=np.float32).reshape(-1, 4),
        np.array([label for _, label in boxes], dtype=np.int64),
    )


def perfect_maps(truths):
    """What a network that knows the truth answers: logits of the targets themselves."""
    targets = center_targets(truths, torch.zeros(len(truths), 2, 8, 16))
    heatmap = targets.heatmap.clamp(1e-4, 1 - 1e-4).logit()
    size, offset = torch.zeros(len(truths), 2, 8, 16), torch.zeros(len(truths), 2, 8, 16)
    rows, columns = targets.cell // 16, targets.cell % 16
    size[targets.picture, :, rows, columns] = targets.size
    offset[targets.picture, :, rows, columns] = targets.offset
    return heatmap, size, offset


def test_maps_made_from_boxes_decode_to_the_same_boxes():
    truths = [truth(([0.1, 0.2, 0.35, 0.7], 1), ([0.5, 0.5, 0.98, 0.9], 0)), truth()]
    first, second = FUNCTIONS.predict(Fixed(perfect_maps(truths)), torch.zeros(2, 3, 32, 64))
    found = first.boxes[first.scores > 0.9]
    assert sorted(first.labels[first.scores > 0.9].tolist()) == [0, 1]
    expected = truths[0].boxes[first.labels[first.scores > 0.9].argsort()[::-1]]
    np.testing.assert_allclose(found[np.argsort(found[:, 0])], expected[np.argsort(expected[:, 0])], atol=1e-5)
    assert len(second.scores) == 0


def test_only_the_peak_of_a_hill_is_an_object():
    heatmap = torch.full((1, 2, 8, 16), -8.0)
    heatmap[0, 0, 3, 5:8] = torch.tensor([1.0, 2.0, 1.5])
    answer = FUNCTIONS.predict(
        Fixed((heatmap, torch.ones(1, 2, 8, 16), torch.zeros(1, 2, 8, 16))), torch.zeros(1, 3, 32, 64)
    )[0]
    assert answer.scores.tolist() == [pytest.approx(1 / (1 + np.exp(-2.0)), rel=1e-5)]
    np.testing.assert_allclose(answer.boxes[0], [5.5 / 16, 2.5 / 8, 6.5 / 16, 3.5 / 8], rtol=1e-5)


def slow_focal_loss(probability, target):
    total = 0.0
    for p, y in zip(probability.flatten().tolist(), target.flatten().tolist(), strict=True):
        total -= (1 - p) ** 2 * np.log(p) if y == 1 else (1 - y) ** 4 * p**2 * np.log(1 - p)
    return total


def test_label_loss_is_the_papers():
    truths = [truth(([0.1, 0.2, 0.35, 0.7], 1), ([0.5, 0.5, 0.98, 0.9], 0)), None]
    maps = [
        torch.randn(2, channels, 8, 16, generator=torch.Generator().manual_seed(channels)) for channels in (2, 2, 2)
    ]
    loss = FUNCTIONS.loss(Fixed(maps), torch.zeros(2, 3, 32, 64), truths=truths, teaching=None)
    targets = center_targets(truths[:1], torch.zeros(1, 2, 8, 16))
    expected = slow_focal_loss(maps[0][0].sigmoid(), targets.heatmap[0])
    for index, box in enumerate(truths[0].boxes * [16, 8, 16, 8]):
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        at = (0, slice(None), int(y), int(x))
        assert targets.cell[index] == int(y) * 16 + int(x)
        expected += 0.1 * np.abs(maps[1][at].numpy() - [box[2] - box[0], box[3] - box[1]]).sum()
        expected += np.abs(maps[2][at].numpy() - [x - int(x), y - int(y)]).sum()
    assert loss.item() == pytest.approx(expected / 2, rel=1e-4)


def test_the_target_is_one_at_centres_and_falls_off_around_them():
    heatmap = center_targets([truth(([0.25, 0.0, 0.75, 1.0], 1))], torch.zeros(1, 2, 8, 16)).heatmap[0]
    assert heatmap[1, 4, 8] == 1.0
    assert 0 < heatmap[1, 4, 9] < 1
    assert not heatmap[0].any()


@pytest.mark.parametrize(("width", "height"), [(10.0, 10.0), (30.0, 8.0), (6.0, 25.0)])
def test_a_box_whose_corners_move_by_the_radius_still_overlaps_the_true_one(width, height):
    for step, still in ((0, True), (1, False)):
        radius = gaussian_radius(width, height) + step
        area, inner = width * height, (width - radius) * (height - radius)
        shifted = inner / (2 * area - inner)
        inside = (width - 2 * radius) * (height - 2 * radius) / area
        outside = area / ((width + 2 * radius) * (height + 2 * radius))
        assert (min(shifted, inside, outside) >= 0.3) is still


def test_distillation_pulls_towards_the_teacher_and_rests_there():
    teacher = build(SPEC)
    teacher.heatmap.bias.data += 4.0  # an original that sees something
    batch = torch.rand(2, 3, 32, 64)
    teaching = FUNCTIONS.teach(teacher, batch)
    student = Fixed([torch.zeros_like(part) for part in teacher(batch)])
    optimiser = torch.optim.Adam(student.parameters(), lr=0.3)
    for _ in range(150):
        optimiser.zero_grad()
        loss = FUNCTIONS.loss(student, batch, truths=[None, None], teaching=teaching)
        loss.backward()
        optimiser.step()
    torch.testing.assert_close(student.maps[0].sigmoid(), teaching.tensors[0], atol=0.05, rtol=0)
    assert not any(tensor.requires_grad for tensor in teaching.tensors)


def test_pictures_without_objects_teach_emptiness():
    maps = [torch.zeros(1, 2, 8, 16) for _ in range(3)]
    module = Fixed(maps)
    loss = FUNCTIONS.loss(module, torch.zeros(1, 3, 32, 64), truths=[truth()], teaching=None)
    loss.backward()
    assert (module.maps[0].grad > 0).all()
    assert not module.maps[1].grad.any()


def test_the_network_learns_two_pictures_by_heart():
    torch.manual_seed(0)
    batch = torch.rand(2, 3, 32, 64) * 0.1
    batch[0, 0, 4:20, 8:32] += 2.0
    batch[1, 1, 12:28, 30:60] += 2.0
    truths = [truth(([8 / 64, 4 / 32, 0.5, 20 / 32], 0)), truth(([30 / 64, 12 / 32, 60 / 64, 28 / 32], 1))]
    module = build(SPEC)
    optimiser = torch.optim.Adam(module.parameters(), lr=3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        FUNCTIONS.loss(module, batch, truths=truths, teaching=None).backward()
        optimiser.step()
    answers = FUNCTIONS.predict(module, batch)
    assert accuracy([frame_score(answer, right) for answer, right in zip(answers, truths, strict=True)]) == 1.0
