"""The key that signs bundles is replaced: boxes follow by themselves, and the old key is worth nothing any more."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from edge_runtime.agent.identity import load_identity
from edge_runtime.protocol.signing import public_key_of, sign
from tests.functional.yard import HOME, Yard
from tests.simulators.product import until
from webapp.audit.models import AuditEvent
from webapp.common.signing_key import signing_key
from webapp.fleets.models import Box, Camera
from webapp.rollouts.models import BoxReport, Bundle
from webapp.rollouts.services import bundle_publish
from webapp.workloads.models import Query

pytestmark = pytest.mark.django_db(transaction=True)


def next_bundle(yard: Yard, **forged: Any) -> Bundle:
    """With one query more. `forged`: what somebody writes into its row before any box can see it."""
    box, now = Box.objects.get(name=HOME), timezone.now()
    with transaction.atomic():
        camera = Camera.objects.get(box=box)
        name = f"query {Query.objects.count()}"
        Query.objects.create(camera=camera, model=yard.models[0], name=name, objects_wanted=["car"], created_at=now)
        bundle = bundle_publish(box=box, now=now)
        assert bundle is not None
        for field, forge in forged.items():
            setattr(bundle, field, forge(bundle))
        bundle.save()
    return bundle


def test_boxes_follow_a_new_key_and_refuse_the_old_one(
    browser: Client, yard_with: Callable[..., Yard], words: Callable[..., str]
) -> None:
    yard = yard_with()
    box, old = yard.boxes[HOME], signing_key()
    call_command("rotate_signing_key")
    call_command("rotate_signing_key")
    new = signing_key()
    assert new != old

    second = next_bundle(yard)
    until(lambda: yard.is_confirmed(HOME, second.version))
    assert load_identity(box.folder).server_public_key == public_key_of(new)
    assert AuditEvent.objects.filter(action="signing_key.rotate").count() == 2

    third = next_bundle(yard, signature=lambda bundle: sign(bundle.manifest.encode(), old))
    until(lambda: "signature" in BoxReport.objects.get(box__name=HOME).sentence)
    assert box.runs(second.version)
    page = reverse("dashboard:box-detail", args=[third.box_id])
    until(lambda: "signature" in words(browser.get(page)))

    Bundle.objects.filter(id=third.id).update(signature=sign(third.manifest.encode(), new))
    browser.post(reverse("rollouts:bundle-retry", args=[third.box_id]))
    until(lambda: yard.is_confirmed(HOME, third.version))
