"""From a camera's picture to a network's input."""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from edge_runtime.vision.architectures import architecture
from edge_runtime.vision.spec import ModelSpec

# One small picture at a time: OpenCV's thread pool costs more than it gives, and fights torch for the cores.
cv2.setNumThreads(1)


def preprocess(image: np.ndarray, spec: ModelSpec) -> Tensor:
    """(3, h, w) float32 input of `spec`'s network from `image` (H, W, 3) uint8 RGB.

    Stretched to the input size (not letterboxed), so that box fractions of input and frame are the same.
    """
    height, width = spec.input_size
    if image.shape[:2] != (height, width):
        shrinks = image.shape[0] >= height and image.shape[1] >= width
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    scale, shift = _scale_and_shift(spec)
    result = image.astype(np.float32) * scale - shift
    return torch.from_numpy(np.ascontiguousarray(result.transpose(2, 0, 1)))


def normalised(pictures: Tensor, spec: ModelSpec) -> Tensor:
    """What `preprocess` and `stack` make of `pictures` (N, h, w, 3) uint8 of the input size, on their own device."""
    scale, shift = (torch.from_numpy(values).to(pictures.device) for values in _scale_and_shift(spec))
    return (pictures.float() * scale - shift).permute(0, 3, 1, 2)


def _scale_and_shift(spec: ModelSpec) -> tuple[np.ndarray, np.ndarray]:
    """Each (3,) float32: an input is picture * scale - shift."""
    normalisation = architecture(spec.architecture).normalisation
    deviation = np.asarray(normalisation.deviation, dtype=np.float32)
    return 1 / (255 * deviation), np.asarray(normalisation.mean, dtype=np.float32) / deviation


def stack(inputs: Sequence[Tensor]) -> Tensor:
    """One batch (N, 3, h, w) of preprocessed pictures of one input size."""
    return torch.stack(list(inputs))
