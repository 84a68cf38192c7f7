import numpy as np
import pytest
import torch

from edge_runtime.vision.preprocessing import normalised, preprocess, stack
from edge_runtime.vision.spec import ModelSpec


def spec(architecture="resnet18_w24", size=(2, 3)):
    return ModelSpec(architecture, ("car",), size)


def test_a_picture_becomes_normalised_channels_in_rgb_order():
    image = np.zeros((2, 3, 3), dtype=np.uint8)
    image[..., 0] = 255
    result = preprocess(image, spec())
    assert result.shape == (3, 2, 3)
    assert result.dtype == torch.float32
    expected = torch.tensor([(1 - 0.485) / 0.229, -0.456 / 0.224, -0.406 / 0.225])
    torch.testing.assert_close(result[:, 1, 2], expected)


def test_shrinking_averages_the_area():
    image = np.zeros((4, 6, 3), dtype=np.uint8)
    image[::2, ::2] = 200  # one pixel of every 2 x 2
    result = preprocess(image, spec())
    expected = torch.full((2, 3), (50 / 255 - 0.485) / 0.229)
    torch.testing.assert_close(result[0], expected)


def test_a_small_picture_is_enlarged():
    assert preprocess(np.zeros((1, 2, 3), dtype=np.uint8), spec(size=(32, 48))).shape == (3, 32, 48)


def test_a_network_trained_with_other_statistics_gets_them():
    result = preprocess(np.full((2, 3, 3), 255, dtype=np.uint8), spec("ssdlite320_mobilenet_v3_large"))
    torch.testing.assert_close(result, torch.ones(3, 2, 3))


def test_the_picture_itself_stays_untouched():
    image = np.full((2, 3, 3), 7, dtype=np.uint8)
    image.setflags(write=False)
    preprocess(image, spec())
    assert (image == 7).all()


def test_pictures_stack_to_a_batch():
    one = preprocess(np.zeros((2, 3, 3), dtype=np.uint8), spec())
    assert stack([one, one]).shape == (2, 3, 2, 3)


@pytest.mark.parametrize("architecture", ["resnet18_w24", "ssd300_vgg16"])
def test_a_whole_batch_becomes_the_same_inputs_as_picture_by_picture(architecture: str):
    some = spec(architecture, size=(6, 10))
    pictures = np.random.default_rng(1).integers(0, 255, (3, 6, 10, 3), dtype=np.uint8)
    expected = stack([preprocess(picture, some) for picture in pictures])
    assert torch.equal(normalised(torch.from_numpy(pictures), some), expected)
