"""Asking a box for frames and uploading labelled pictures."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from webapp.fleets.models import Camera
from webapp.workloads.models import Dataset, DatasetState


def _request(browser, fleet, **changes):
    entered = {"camera": fleet.camera.id, "name": "morning", "frames": 300, "span_s": 60} | changes
    return browser.post(reverse("workloads:dataset-request"), entered)


def test_requests_frames_and_shows_how_many_came(browser, fleet, words):
    address = _request(browser, fleet).url
    Dataset.objects.update(frame_count=120)

    assert "120 of 300" in words(browser.get(address))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"frames": 0}, "Ask for"), ({"span_s": 0}, "The time span lies between"), ({"frames": "many"}, "Enter a whole")],
)
def test_refuses_an_impossible_request_and_keeps_nothing(browser, fleet, words, changes, sentence):
    response = _request(browser, fleet, **changes)

    assert sentence in words(response)
    assert not Dataset.objects.exists()


def test_refuses_frames_that_the_privacy_setting_keeps_on_the_box(browser, fleet, words):
    Camera.objects.update(privacy="off")

    response = _request(browser, fleet)
    assert "privacy" in words(response).lower()
    assert not Dataset.objects.exists()


def test_uploads_a_labelled_zip_and_checks_it_in_a_worker(browser, fleet):
    entered = {
        "camera": fleet.camera.id,
        "name": "labelled",
        "kind": "coco",
        "archive": SimpleUploadedFile("labelled.zip", b"PK\x03\x04"),
    }
    browser.post(reverse("workloads:dataset-upload"), entered)

    assert Dataset.objects.get().state == DatasetState.CHECKING


def test_shows_why_a_data_set_was_rejected(browser, fleet, words):
    sentence = "The archive holds a path that leads out of it, so nothing was unpacked."
    dataset = fleet.dataset()
    Dataset.objects.update(state=DatasetState.REJECTED, problem=sentence)

    for page in (reverse("workloads:dataset-detail", args=[dataset.id]), reverse("workloads:dataset-list")):
        assert sentence in words(browser.get(page))
