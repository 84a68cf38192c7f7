"""Uploading a model, its check, and what the page says about a bad one."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from webapp.jobs.models import Job
from webapp.workloads.models import CheckState, Model


def _upload(browser, fleet, **changes):
    entered = {
        "site": fleet.site.id,
        "name": "people",
        "architecture": "resnet18",
        "classes": "person, bicycle\nscooter",
        "input_height": 96,
        "input_width": 160,
        "weights": SimpleUploadedFile("people.safetensors", b"weights"),
    }
    return browser.post(reverse("workloads:model-add"), entered | changes)


def test_uploads_a_model_and_says_that_it_is_being_checked(browser, fleet, words):
    response = browser.get(_upload(browser, fleet).url)

    model = Model.objects.get(name="people")
    assert "The upload is being checked" in words(response)
    assert model.classes == ["person", "bicycle", "scooter"]
    assert (model.input_height, model.input_width) == (96, 160)
    assert Job.objects.filter(subject=model.id).exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": "person, person"}, 'The class "person" is named twice.'),
        ({"classes": " , "}, "This field is required"),
        ({"input_height": 4}, "Height and width of the input lie between"),
        ({"name": "vehicles"}, "vehicles"),
    ],
)
def test_refuses_what_cannot_be_a_model_and_keeps_nothing(browser, fleet, words, changes, sentence):
    response = _upload(browser, fleet, **changes)

    assert response.status_code == 200
    assert sentence in words(response)
    assert Model.objects.count() == 1


def test_shows_why_the_check_rejected_an_upload(browser, fleet, words):
    sentence = "The weights do not fit resnet18: fc.weight has 1000 outputs, but 3 classes were named."
    Model.objects.update(state=CheckState.REJECTED, problem=sentence)

    detail = reverse("workloads:model-detail", args=[fleet.model.id])
    for page in (detail, reverse("workloads:model-list"), reverse("dashboard:overview")):
        assert sentence in words(browser.get(page))


def test_does_not_offer_a_rejected_model_for_queries(browser, fleet, words):
    Model.objects.update(state=CheckState.REJECTED)

    page = words(browser.get(reverse("workloads:query-add")))
    assert "No model is ready yet" in page
    assert "vehicles (squeezenet1_1)" not in page


def test_shows_the_layers_by_bytes(browser, fleet, words):
    page = words(browser.get(reverse("workloads:model-detail", args=[fleet.model.id])))

    assert "features.0 Conv2d 5.0 MiB" in page


def test_keeps_a_model_that_a_query_uses(browser, fleet, words):
    fleet.query("count cars")

    response = browser.post(reverse("workloads:model-delete", args=[fleet.model.id]), follow=True)
    assert "so it was kept" in words(response)
    assert Model.objects.exists()
