"""Normalisation statistics measured afresh on a query's own frames, for exactly the weights that are evaluated.

Running statistics are those of weights that are gone: with torchvision's momentum of 0.01 (MobileNet v3) they lag a
hundred steps behind, and an average of them belongs to no weights at all. Statistics stay private to each query.
Sources: Jordan et al., REPAIR (ICLR 2023); Wu & Johnson, Rethinking "Batch" in BatchNorm (2021), "precise BN".
"""

import math

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from workers.merging.frames import FrameSet

STATISTICS_FRAMES = 192
STATISTICS_BATCH = 64


def reestimate_normalisation(network: nn.Module, frames: FrameSet, device: torch.device) -> None:
    """Replaces running statistics by those of `frames`; nothing to do without layers that keep any.

    Draws nothing at random and leaves modes as they were. With them only the layers' counters of batches change.
    """
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.track_running_stats]
    if not layers:
        return
    modes, momenta = [(part, part.training) for part in network.modules()], [layer.momentum for layer in layers]
    network.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's word for a cumulative average
        layer.train()
    with torch.no_grad():
        for batch in statistics_batches(len(frames)):
            network(frames.batch(batch, device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    for part, was_training in modes:
        part.training = was_training


def statistics_batches(frames: int) -> list[list[int]]:
    """Frame numbers, at most STATISTICS_FRAMES, evenly over the recording, and so every batch for itself.

    Neighbours of a video look alike: a batch of them would hold the statistics of a moment, not of the camera.
    """
    chosen = np.linspace(0, frames - 1, min(frames, STATISTICS_FRAMES)).round().astype(int).tolist()
    count = math.ceil(len(chosen) / STATISTICS_BATCH)
    return [chosen[first::count] for first in range(count)]
