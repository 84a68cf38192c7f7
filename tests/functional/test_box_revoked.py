"""A machine is lost: revoked, it is shut out at once and runs on as it was; a new join code brings the box back."""

from collections.abc import Callable

import httpx
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from edge_runtime.agent.enrolment import enrol
from tests.functional.conftest import HARDWARE
from tests.functional.yard import Yard
from tests.simulators.product import until
from webapp.fleets.models import Box, Camera
from webapp.rollouts.candidates import candidates
from webapp.rollouts.models import Bundle
from webapp.telemetry.models import BoxSample
from webapp.workloads.models import Query
from webapp.workloads.services import publish_enqueue

pytestmark = pytest.mark.django_db(transaction=True)
LOST = "east gate"


def requests_of(yard: Yard, credential: str, bundle: Bundle) -> set[int]:
    """Statuses of what a machine with this credential asks for and sends."""
    headers = {"Authorization": f"Bearer {credential}"}
    digest = next(iter(yard.models[0].tensors.values()))["digest"]
    with httpx.Client(base_url=f"{yard.product.url}/api/box", headers=headers) as client:
        asked = [client.get(path) for path in ("/target", f"/manifests/{bundle.manifest_digest}", f"/blobs/{digest}")]
        sent = [client.post("/credential"), client.post("/measured", json={}), client.post("/events", data={})]
    return {answer.status_code for answer in (*asked, *sent)}


def test_a_lost_machine_is_shut_out_and_a_new_join_code_brings_the_box_back(
    browser: Client, yard_with: Callable[..., Yard], words: Callable[..., str]
) -> None:
    yard = yard_with(LOST)
    row, machine = Box.objects.get(name=LOST), yard.boxes[LOST]
    first = Bundle.objects.get(box=row)
    until(lambda: BoxSample.objects.filter(box=row).exists())
    revoke = reverse("fleets:box-revoke", args=[row.id])
    assert "loses its access at once" in words(browser.get(revoke))
    assert 401 not in requests_of(yard, machine.credential, first)

    browser.post(revoke)
    until(lambda: not machine.is_connected)
    assert requests_of(yard, machine.credential, first) == {401}
    page = words(browser.get(reverse("dashboard:box-detail", args=[row.id])))
    assert "no machine has joined as this box" in page.lower()
    samples = BoxSample.objects.filter(box=row).count()

    camera = Camera.objects.get(box=row)
    now = timezone.now()
    Query.objects.create(camera=camera, model=yard.models[0], name="new", objects_wanted=["car"], created_at=now)
    publish_enqueue(box_id=row.id, now=now)
    until(lambda: Bundle.objects.filter(box=row).count() == 2)
    assert machine.runs(1)
    assert BoxSample.objects.filter(box=row).count() == samples
    assert [one.problem for one in candidates(yard.group)] == ["No machine has joined as this box."]

    code = browser.post(f"/api/v1/boxes/{row.id}/join-code/").json()["join_code"]
    stranger = machine.credential
    yard.product.stop(machine)
    identity = enrol(server=yard.product.url, code=code, state_dir=machine.folder, hardware=HARDWARE)
    back = yard.product.box(machine.folder, identity.box, identity.credential)
    until(lambda: yard.is_confirmed(LOST, 2))
    assert back.runs(2)
    assert requests_of(yard, stranger, first) == {401}
