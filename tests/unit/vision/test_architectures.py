import pytest
import torch
from torch.utils._pytree import tree_leaves

from edge_runtime.vision.architectures import (
    InputSizeUnsupported,
    UnknownArchitecture,
    WeightsMismatch,
    architecture,
    architecture_names,
    build,
    load_weights,
    task_of,
)
from edge_runtime.vision.architectures.tensor_names import architectures_named_so, names_digest
from edge_runtime.vision.inventory import layer_inventory
from edge_runtime.vision.spec import ModelSpec, Task
from edge_runtime.vision.torchvision_ops import torchvision

CLASSES = ("car", "bus", "person")
SMALL = ModelSpec("resnet18_w24", CLASSES, (32, 32))
DETECTOR = ModelSpec("centernet_resnet18_w24", CLASSES, (32, 64))


def weights(spec):
    return dict(build(spec).state_dict())


def any_spec(name):
    return ModelSpec(name, CLASSES, architecture(name).input_sizes.nearest((96, 96)))


OF_EVERY_MODULE = vars(torch.nn.Module()).keys()


def tensors_beside_the_state_dict(module):
    for part in module.modules():
        own = [value for name, value in vars(part).items() if name not in OF_EVERY_MODULE]
        unsaved = [part._buffers[name] for name in part._non_persistent_buffers_set]
        yield from (leaf for leaf in tree_leaves((own, unsaved)) if isinstance(leaf, torch.Tensor))


@pytest.mark.parametrize("name", architecture_names())
def test_every_architecture_builds_as_a_skeleton_without_memory_whose_layers_can_be_listed(name):
    module = build(any_spec(name), "meta")
    assert not module.training
    state = module.state_dict()
    assert all(tensor.is_meta for tensor in state.values())
    assert name in architectures_named_so(state), f'tensor_names.py lacks "{names_digest(state)}": ("{name}",)'
    assert not any(tensor.is_meta for tensor in tensors_beside_the_state_dict(module))  # nobody would ever fill them
    layers = layer_inventory(module)
    listed = [parameter for layer in layers for parameter in layer.parameters]
    assert len(listed) == len(set(listed))
    assert set(listed) <= set(state)
    assert sum(layer.size_bytes for layer in layers) > 0.5 * sum(4 * tensor.numel() for tensor in state.values())


@pytest.mark.parametrize("name", ["resnet18_w24", "mobilenet_v3_small", "regnet_y_400mf", "yolov3_tiny"])
def test_a_skeleton_has_the_shapes_of_the_network(name):
    skeleton, network = (build(any_spec(name), device).state_dict() for device in ("meta", "cpu"))
    assert {key: (value.shape, value.dtype) for key, value in skeleton.items()} == {
        key: (value.shape, value.dtype) for key, value in network.items()
    }


def test_building_a_skeleton_leaves_later_networks_filled():
    build(SMALL, "meta")
    assert build(SMALL).conv1.weight.std() > 0


@pytest.mark.parametrize(
    ("name", "size", "rule", "nearest"),
    [
        ("yolov3", (100, 130), "that are multiples of 32", (96, 128)),
        ("yolov3_tiny", (10, 64), "that are multiples of 32", (32, 64)),
        ("alexnet", (48, 64), "of at least 63 pixels", (63, 64)),
        ("vit_b_16", (96, 160), "that are multiples of 16 and that are equal", (160, 160)),
    ],
)
def test_an_input_size_that_a_network_cannot_take_is_refused_with_the_nearest_that_it_can(name, size, rule, nearest):
    with pytest.raises(InputSizeUnsupported, match=f"{rule}, not .*choose {nearest[0]}x{nearest[1]}") as caught:
        build(ModelSpec(name, CLASSES, size), "meta")
    assert caught.value.nearest == nearest
    build(ModelSpec(name, CLASSES, nearest), "meta")


@pytest.mark.parametrize("name", ["alexnet", "inception_v3", "squeezenet1_0", "vit_b_32"])
def test_the_smallest_allowed_input_runs_and_less_does_not(name):
    size = architecture(name).input_sizes.nearest((1, 1))
    module = build(ModelSpec(name, CLASSES, size), "meta")
    assert module(torch.empty(1, 3, *size, device="meta")).shape == (1, 3)
    with pytest.raises((RuntimeError, AssertionError)):
        module(torch.empty(1, 3, size[0] - 1, size[1] - 1, device="meta"))


def test_pictures_are_normalised_as_for_the_published_weights():
    for name in architecture_names():
        entry = architecture(name)
        if entry.task is Task.CLASSIFICATION and name in torchvision.models.list_models():
            transform = torchvision.models.get_model_weights(name).DEFAULT.transforms()
            is_converted_inside = name in (
                "googlenet",
                "inception_v3",
            )  # transform_input: to a mean and deviation of 1/2
            expected = ([0.5] * 3, [0.5] * 3) if is_converted_inside else (transform.mean, transform.std)
            assert (list(entry.normalisation.mean), list(entry.normalisation.deviation)) == tuple(map(list, expected))


def test_tasks_follow_the_architecture():
    assert task_of("squeezenet1_1") is Task.CLASSIFICATION
    assert task_of("centernet_resnet18_w24") is Task.DETECTION
    assert task_of("ssdlite320_mobilenet_v3_large") is Task.DETECTION


def test_an_unknown_architecture_is_refused_with_what_there_is():
    with pytest.raises(UnknownArchitecture, match=r'"resnet19".*resnet18_w24'):
        build(ModelSpec("resnet19", CLASSES, (32, 32)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_loaded_weights_are_float32_copies_of_the_given_ones(dtype):
    given = {
        name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in weights(SMALL).items()
    }
    module = load_weights(SMALL, given)
    loaded = module.state_dict()
    assert not module.training
    for name, tensor in given.items():
        assert torch.equal(loaded[name], tensor.to(loaded[name].dtype))
        assert loaded[name].data_ptr() != tensor.data_ptr()
    assert loaded["conv1.weight"].dtype == torch.float32
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_loaded_network_answers_as_the_one_the_weights_came_from():
    module, batch = build(SMALL), torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        assert torch.equal(load_weights(SMALL, module.state_dict())(batch), module(batch))


@pytest.mark.parametrize("name", ["ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn"])
def test_a_detector_built_as_skeleton_has_its_anchors_once_loaded(name):
    spec = ModelSpec(name, CLASSES, (64, 96))
    module, batch = build(spec), torch.rand(1, 3, 64, 96)
    with torch.inference_mode():
        expected, answer = module(batch)[0], load_weights(spec, module.state_dict())(batch)[0]
    assert torch.equal(answer["boxes"], expected["boxes"])
    assert len(answer["boxes"])


def test_batch_counters_may_be_missing():
    given = {name: tensor for name, tensor in weights(SMALL).items() if not name.endswith("num_batches_tracked")}
    assert load_weights(SMALL, given).state_dict()["bn1.num_batches_tracked"] == 0


def test_auxiliary_classifiers_of_published_weights_are_ignored():
    spec = ModelSpec("googlenet", CLASSES, (96, 96))
    given = weights(spec)
    load_weights(spec, given | {"aux1.fc2.weight": torch.zeros(3, 1024)})
    with pytest.raises(WeightsMismatch, match="unexpected: aux3"):
        load_weights(spec, given | {"aux3.weight": torch.zeros(1)})


@pytest.mark.parametrize(
    "name", ["resnet18_w24", "squeezenet1_1", "centernet_resnet18_w24", "ssdlite320_mobilenet_v3_large"]
)
def test_another_number_of_classes_is_named(name):
    trained_for = ModelSpec(name, tuple("abcdefgh"), (64, 64))
    with pytest.raises(WeightsMismatch, match="trained for 8 classes, but 3 are named"):
        load_weights(ModelSpec(name, CLASSES, (64, 64)), weights(trained_for))


def test_weights_of_another_network_are_refused_by_naming_the_first_tensors():
    with pytest.raises(WeightsMismatch) as caught:
        load_weights(SMALL, weights(ModelSpec("squeezenet1_1", CLASSES, (32, 32))))
    assert "missing: conv1.weight, bn1.weight, bn1.bias and" in str(caught.value)
    assert "unexpected: features.0.weight" in str(caught.value)


def test_a_wrong_shape_that_classes_do_not_explain_is_named():
    given = weights(SMALL) | {"conv1.weight": torch.zeros(24, 1, 7, 7)}
    with pytest.raises(WeightsMismatch, match=r"conv1\.weight is 24x1x7x7 instead of 24x3x7x7"):
        load_weights(SMALL, given)


def test_a_wrong_shape_beside_another_number_of_classes_is_not_blamed_on_the_classes():
    given = weights(ModelSpec("resnet18_w24", ("a",), (32, 32))) | {"conv1.weight": torch.zeros(24, 1, 7, 7)}
    with pytest.raises(WeightsMismatch, match=r"wrong shape: conv1\.weight"):
        load_weights(SMALL, given)


def test_the_detector_has_every_layer_of_the_classifier_but_the_last():
    classifier = {name: tensor.shape for name, tensor in build(SMALL, "meta").state_dict().items()}
    detector = {name: tensor.shape for name, tensor in build(DETECTOR, "meta").state_dict().items()}
    trunk = {f"trunk.{name}": shape for name, shape in classifier.items() if not name.startswith("fc.")}
    assert trunk.items() <= detector.items()


def test_networks_that_hold_one_parameter_object_both_follow_its_changes():
    first, second = build(SMALL), build(DETECTOR)
    second.trunk.conv1.weight = first.conv1.weight
    batch = torch.rand(1, 3, 32, 64)
    with torch.no_grad():
        before = first(batch), second(batch).heatmap
        first.conv1.weight.mul_(-1.0)
        after = first(batch), second(batch).heatmap
    assert all(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
