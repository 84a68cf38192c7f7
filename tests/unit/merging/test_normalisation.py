import pytest
import torch

from workers.merging.normalisation import STATISTICS_BATCH, reestimate_normalisation, statistics_batches

CPU = torch.device("cpu")


def test_measures_the_statistics_that_the_weights_really_give(make_query):
    query = make_query("a")
    network = query.original
    with torch.no_grad():
        network.conv1.weight.mul_(3.0)  # as a step of training would: the running statistics are now wrong
        seen = network.conv1(query.train.batch(range(len(query.train))))
    reestimate_normalisation(network, query.train, CPU)
    torch.testing.assert_close(network.bn1.running_mean, seen.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(network.bn1.running_var, seen.var(dim=(0, 2, 3)))


def test_gives_equal_statistics_every_time_and_leaves_modes_and_momenta_alone(make_query):
    query = make_query("a", architecture="mobilenet_v3_small")
    network = query.original.train()
    network.features[0].eval()
    modes = [part.training for part in network.modules()]
    reestimate_normalisation(network, query.train, CPU)
    first = network.features[0][1].running_var.clone()
    reestimate_normalisation(network, query.train, CPU)
    assert torch.equal(network.features[0][1].running_var, first)
    assert [part.training for part in network.modules()] == modes
    assert network.features[0][1].momentum == 0.01


@pytest.mark.parametrize("frames", [1, 8, 64, 65, 180, 5000])
def test_spreads_every_batch_over_the_whole_recording(frames: int):
    batches = statistics_batches(frames)
    numbers = [number for batch in batches for number in batch]
    assert len(numbers) == len(set(numbers)) == min(frames, 192)
    assert all(0 < len(batch) <= STATISTICS_BATCH for batch in batches)
    assert {0, frames - 1} <= set(numbers)
    if frames > STATISTICS_BATCH:
        assert all(batch[-1] - batch[0] > 0.9 * frames for batch in batches)
