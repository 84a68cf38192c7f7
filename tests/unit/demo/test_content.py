import pytest
from safetensors.torch import load_file

from demo.content import load_content, load_results
from demo.content.pictures import TEST_DAYS, TRAIN_DAYS, VALIDATION_DAYS
from edge_runtime.scenes import parse_scene
from edge_runtime.vision.architectures import load_weights, task_of
from edge_runtime.vision.spec import ModelSpec, Task

CONTENT = load_content()


def test_everything_that_is_named_exists():
    cameras = {camera.name: parse_scene(camera.source) for camera in CONTENT.cameras}
    models = {model.name: model for model in CONTENT.models}
    assert {model.camera for model in CONTENT.models} <= set(cameras)
    for query in CONTENT.queries:
        assert query.camera in cameras
        assert set(query.objects) <= set(models[query.model].classes)
        assert 0 < query.accuracy_target <= 1


def test_no_camera_shows_a_day_that_a_model_was_trained_or_measured_on():
    shown = {parse_scene(camera.source).seed for camera in CONTENT.cameras}
    assert not shown & {*TRAIN_DAYS, *VALIDATION_DAYS, *TEST_DAYS}
    assert not set(TRAIN_DAYS) & {*VALIDATION_DAYS, *TEST_DAYS}


@pytest.mark.parametrize("model", CONTENT.models, ids=lambda model: model.slug)
def test_every_original_fits_its_architecture_and_was_measured(model):
    spec = ModelSpec(model.architecture, model.classes, model.input_size)
    load_weights(spec, load_file(model.weights))
    measured = load_results()[model.slug]
    assert (measured.architecture, measured.classes, measured.input_size) == (
        model.architecture,
        model.classes,
        model.input_size,
    )
    assert measured.size_bytes == model.weights.stat().st_size
    least = 0.7 if task_of(model.architecture) is Task.DETECTION else 0.8
    assert measured.accuracy_test >= least


def test_all_weights_together_stay_small():
    assert sum(model.weights.stat().st_size for model in CONTENT.models) < 20_000_000
