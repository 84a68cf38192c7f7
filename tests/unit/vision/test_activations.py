import torch
from torch import nn
from torch.nn import functional

from edge_runtime.vision.activations import activation_bytes

BATCH = torch.zeros(2, 3, 8, 8)
INPUT = 2 * 3 * 8 * 8 * 4


class Step(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.zeros(4, 3, 1, 1))

    def forward(self, batch):
        return self.function(batch, self.weight)


def test_a_layer_needs_its_input_and_its_output():
    assert activation_bytes(nn.Conv2d(3, 5, 3, padding=1), BATCH) == INPUT + 2 * 5 * 8 * 8 * 4


def test_what_is_freed_on_the_way_does_not_count():
    def forward(batch, weight):
        for _ in range(10):
            batch = batch + 1
        return batch

    # The caller holds the input throughout; of the sums two are alive at a time.
    assert activation_bytes(Step(forward), BATCH) == 3 * INPUT


def test_what_is_kept_counts():
    def forward(batch, weight):
        return sum((kept := [batch + number for number in range(4)])[1:], kept[0])

    assert activation_bytes(Step(forward), BATCH) == (1 + 4 + 2) * INPUT


def test_views_changes_in_place_and_weights_are_free():
    def forward(batch, weight):
        return functional.relu_(batch.flatten(1)).view(batch.shape), weight.detach()

    assert activation_bytes(Step(forward), BATCH.clone()) == INPUT


def test_it_grows_with_the_batch():
    module = nn.Conv2d(3, 5, 3, padding=1)
    assert activation_bytes(module, BATCH.repeat(2, 1, 1, 1)) == 2 * activation_bytes(module, BATCH)
