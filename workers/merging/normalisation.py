"""Normalisation statistics re-estimated on a query's own frames, after its layers changed their weights.

Averaged weights shift every activation; statistics measured afresh repair much of that without a training step.
Source: Jordan et al., REPAIR (ICLR 2023). Statistics stay private to each query.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from workers.merging.frames import FrameSet


def reestimate_normalisation(
    network: nn.Module, frames: FrameSet, batches: Sequence[Sequence[int]], device: torch.device
) -> None:
    """Replaces running statistics by the plain average over `batches` of `frames`; without such layers, nothing."""
    layers = [layer for layer in network.modules() if isinstance(layer, _BatchNorm) and layer.track_running_stats]
    if not layers or not batches:
        return
    was_training, momenta = network.training, [layer.momentum for layer in layers]
    network.eval()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # torch's word for a cumulative average
        layer.train()
    with torch.no_grad():
        for batch in batches:
            network(frames.batch(batch).to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    network.train(was_training)
