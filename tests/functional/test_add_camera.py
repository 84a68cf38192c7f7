"""Adding a camera, seeing what the box found, and never seeing its password."""

import pytest
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.messages import ProbeResult
from webapp.fleets.models import Camera
from webapp.fleets.services import camera_preview_record, camera_probe_record

JPEG = b"\xff\xd8\xff\xe0 a picture"


def _add(browser, fleet, **changes):
    entered = {"box": fleet.box.id, "name": "quay", "source": "rtsp://10.0.0.7/stream1", "privacy": "full"} | changes
    return browser.post(reverse("fleets:camera-add"), entered)


def test_adds_a_camera_and_shows_that_the_box_is_asked_to_look(browser, fleet, words):
    page = words(browser.get(_add(browser, fleet).url))

    assert "north gate is asked to look at this camera" in page
    assert "rtsp://10.0.0.7/stream1" in page


def test_goes_on_from_what_the_box_saw_to_what_to_look_for(browser, fleet, words):
    camera = reverse("fleets:camera-check", args=[fleet.camera.id])
    assert "you need not wait here" in words(browser.get(camera))
    probe = ProbeResult(1, width=3840, height=2160, rate_fps=25, codec="hevc")
    camera_probe_record(camera=fleet.camera, probe=probe, picture=JPEG, now=timezone.now())
    response = browser.get(camera)
    page = words(response)
    for said in ("Is this the right picture?", "3840 × 2160 px", "25.0 frames/s", "hevc", "Its pictures are large"):
        assert said in page
    following = reverse("workloads:query-add") + f"?camera={fleet.camera.id}"
    assert f'href="{following}"' in response.content.decode()
    assert "Steps of adding a camera" in browser.get(following).content.decode()
    assert "Its pictures are large" in words(browser.get(reverse("dashboard:camera-detail", args=[fleet.camera.id])))


def test_mends_an_address_and_comes_back_to_what_the_box_sees(browser, fleet, words):
    camera = reverse("fleets:camera-check", args=[fleet.camera.id])
    probe = ProbeResult(1, problem="The camera does not answer.")
    camera_probe_record(camera=fleet.camera, probe=probe, picture=None, now=timezone.now())
    assert "The camera does not answer. The camera is kept" in words(browser.get(camera))
    edit = reverse("fleets:camera-edit", args=[fleet.camera.id]) + "?next=check"
    entered = {"name": "entry", "source": "rtsp://cam/2", "privacy": "full"}
    assert browser.post(edit, entered).url == camera
    probe_again = reverse("fleets:camera-probe", args=[fleet.camera.id])
    assert browser.post(probe_again, {"next": "check"}).url == camera


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("ftp://host/film.mp4", "A camera address starts with rtsp://"),
        ("rtsp:///stream1", "This address has no host after rtsp://."),
    ],
)
def test_refuses_an_address_that_cannot_be_one_and_adds_nothing(browser, fleet, words, source, sentence):
    response = _add(browser, fleet, source=source)

    assert sentence in words(response)
    assert not Camera.objects.filter(name="quay").exists()


def test_never_shows_a_password(browser, fleet):
    camera = reverse("dashboard:camera-detail", args=[fleet.camera.id])
    edit = reverse("fleets:camera-edit", args=[fleet.camera.id])

    for page in (camera, edit, reverse("dashboard:camera-list"), reverse("dashboard:overview")):
        assert "secret" not in browser.get(page).content.decode()
    assert "***@cam/1" in browser.get(camera).content.decode()


def test_shows_why_a_camera_cannot_be_reached(browser, fleet, words):
    sentence = "The camera does not answer: check its address and its cable."
    camera_probe_record(camera=fleet.camera, probe=ProbeResult(1, problem=sentence), picture=None, now=timezone.now())

    detail = reverse("dashboard:camera-detail", args=[fleet.camera.id])
    for page in (detail, reverse("dashboard:camera-list"), reverse("dashboard:overview")):
        assert sentence in words(browser.get(page))


def test_shows_the_picture_that_the_box_took_and_newer_ones_first(browser, fleet):
    picture = reverse("fleets:camera-picture", args=[fleet.camera.id])
    assert browser.get(picture).status_code == 404

    probe = ProbeResult(1, width=1280, height=720, rate_fps=25, codec="h264")
    camera_probe_record(camera=fleet.camera, probe=probe, picture=JPEG, now=timezone.now())
    assert browser.get(picture).content == JPEG

    camera_preview_record(camera_id=fleet.camera.id, picture=JPEG + b" annotated")
    assert browser.get(picture).content == JPEG + b" annotated"


def test_keeps_the_address_when_the_form_leaves_it_empty(browser, fleet):
    edit = reverse("fleets:camera-edit", args=[fleet.camera.id])
    browser.post(edit, {"name": "main entry", "source": "", "privacy": "blurred"})

    camera = Camera.objects.get()
    assert (camera.name, camera.privacy, camera.source) == ("main entry", "blurred", "rtsp://user:secret@cam/1")


def test_says_how_often_merged_models_are_compared_on_a_camera(browser, fleet, words):
    edit = reverse("fleets:camera-edit", args=[fleet.camera.id])
    page = reverse("dashboard:camera-detail", args=[fleet.camera.id])
    assert "Compared with originals every 2 s" in words(browser.get(page))
    entered = {"name": "entry", "source": "", "privacy": "full"}

    browser.post(edit, entered | {"sample_every_s": "600"})
    assert "Compared with originals every 10 min" in words(browser.get(page))
    browser.post(edit, entered)
    assert Camera.objects.get().sample_every_s == 600
    browser.post(edit, entered | {"sample_every_s": "0"})
    assert "Compared with originals never" in words(browser.get(page))
    Camera.objects.update(sample_every_s=45)  # as a program may say
    assert "Every 45 seconds" in words(browser.get(edit))


def test_keeps_a_camera_that_queries_use(browser, fleet, words):
    fleet.query("count cars")

    address = reverse("fleets:camera-delete", args=[fleet.camera.id])
    assert "Look at its queries" in words(browser.get(address))

    response = browser.post(address, follow=True)
    assert "delete them first" in words(response)
    assert Camera.objects.exists()


def test_deletes_a_camera_that_nothing_uses(browser, fleet):
    browser.post(reverse("fleets:camera-delete", args=[fleet.camera.id]))

    assert not Camera.objects.exists()


def test_asks_the_box_for_a_new_picture(browser, fleet):
    browser.post(reverse("fleets:camera-probe", args=[fleet.camera.id]))

    assert Camera.objects.get().probe_request == 2
