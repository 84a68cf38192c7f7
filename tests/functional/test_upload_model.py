"""Uploading a model, its check, and what the page says about a bad one."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from webapp.fleets.models import Role
from webapp.jobs.models import Job
from webapp.workloads.models import CheckState, Model
from webapp.workloads.services import model_recognise_record


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


RECOGNISED = {
    "tensors": 122,
    "size_bytes": 46 * 2**20,
    "candidates": [
        {
            "architecture": "resnet18",
            "task": "classification",
            "classes": 3,
            "input_size": None,
            "usual_size": [224, 224],
            "size_rule": "",
        }
    ],
}
SAID = {"classes": "person, bicycle\nscooter", "input_height": 96, "input_width": 160}
TWINS = ("fasterrcnn_mobilenet_v3_large_fpn", "fasterrcnn_mobilenet_v3_large_320_fpn")


@pytest.fixture
def recognised(browser, fleet):
    """An upload of which nothing was said but its name, after a worker has looked at it."""

    def after(found=RECOGNISED, **changes):
        unsaid = {"architecture": "", "classes": "", "input_height": "", "input_width": ""}
        page = _upload(browser, fleet, **unsaid | changes).url
        model = Model.objects.get(name="people")
        assert model.state == CheckState.RECOGNISING
        model_recognise_record(model=model, recognition=found, now=timezone.now())
        return page, reverse("workloads:model-describe", args=[model.id])

    return after


def test_an_upload_without_a_word_is_being_recognised(browser, fleet, words):
    unsaid = {"architecture": "", "classes": "", "input_height": "", "input_width": ""}
    page = words(browser.get(_upload(browser, fleet, **unsaid).url))

    assert "The upload is being recognised" in page
    assert "architecture not known yet being recognised" in words(browser.get(reverse("workloads:model-list")))


def test_says_what_was_recognised_and_asks_only_for_the_rest(browser, recognised, words):
    page, describe = recognised()
    shown = browser.get(page)

    assert "122 tensors (46.0 MiB) are those of resnet18 , a classification network, trained for 3 classes" in words(
        shown
    )
    assert "Names of its 3 classes" in words(shown)
    assert list(shown.context["form"].fields) == ["classes", "input_height", "input_width"]
    assert shown.context["form"]["input_height"].value() == 224
    assert "people was recognised and waits" in words(browser.get(reverse("dashboard:overview")))

    answer = browser.post(describe, SAID)
    model = Model.objects.get(name="people")
    assert answer.url == page
    assert (model.state, model.architecture, model.task) == (CheckState.CHECKING, "resnet18", "classification")
    assert (model.classes, model.input_height, model.input_width) == (["person", "bicycle", "scooter"], 96, 160)
    assert Job.objects.filter(subject=model.id).count() == 2
    assert browser.post(describe, SAID).url == page  # sent twice
    assert Job.objects.filter(subject=model.id).count() == 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": "person"}, "trained for 3 classes, but 1 is named: name all 3"),
        ({"classes": "person, person, car"}, 'The class "person" is named twice.'),
        ({"input_height": 4}, "Height and width of the input lie between"),
    ],
)
def test_refuses_a_description_that_the_tensors_deny_and_keeps_what_was_entered(
    browser, recognised, words, changes, sentence
):
    _, describe = recognised()
    shown = browser.post(describe, SAID | changes)

    assert sentence in words(shown)
    assert shown.context["form"]["input_width"].value() == "160"
    assert Model.objects.get(name="people").state == CheckState.UNDESCRIBED


def test_asks_which_where_the_tensors_fit_several(browser, recognised, words):
    twins = [RECOGNISED["candidates"][0] | {"architecture": name, "task": "detection"} for name in TWINS]
    page, describe = recognised(RECOGNISED | {"candidates": twins})
    shown = words(browser.get(page))

    assert "Recognised, but for one choice" in shown
    assert f"those of {TWINS[0]} or {TWINS[1]} , a detection network" in shown
    assert "This field is required" in words(browser.post(describe, SAID))
    browser.post(describe, SAID | {"architecture": TWINS[1]})
    assert Model.objects.get(name="people").architecture == TWINS[1]


def test_does_not_ask_for_what_the_tensors_tell(browser, recognised):
    sized = RECOGNISED["candidates"][0] | {"architecture": "vit_b_16", "input_size": [96, 96]}
    page, describe = recognised(RECOGNISED | {"candidates": [sized]})

    assert list(browser.get(page).context["form"].fields) == ["classes"]
    browser.post(describe, {"classes": "a, b, c"})
    model = Model.objects.get(name="people")
    assert (model.state, model.input_height, model.input_width) == (CheckState.CHECKING, 96, 96)


def test_asks_nothing_where_all_the_rest_was_said_with_the_upload(browser, recognised):
    recognised(**SAID)

    assert Model.objects.get(name="people").state == CheckState.CHECKING


def test_says_that_what_was_said_with_the_upload_is_not_so(browser, recognised, words):
    page, _ = recognised(architecture="resnet50", classes="a, b, c")
    shown = browser.get(page)

    assert "The tensors are those of resnet18, not of resnet50." in words(shown)
    assert shown.context["form"]["classes"].value() == "a\nb\nc"


def test_a_viewer_describes_nothing(fleet, recognised, client_of):
    _, describe = recognised()

    assert client_of(fleet.member(Role.VIEWER)).post(describe, SAID).status_code in (200, 403)
    assert Model.objects.get(name="people").state == CheckState.UNDESCRIBED


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"classes": "person, person"}, 'The class "person" is named twice.'),
        ({"input_width": ""}, "Height and width of the input lie between"),
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
