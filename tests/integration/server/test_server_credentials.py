"""Renewing a box's credential: over its own API, without a moment in which none works."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from webapp.audit.models import AuditEvent
from webapp.common.errors import NotAllowed
from webapp.fleets.models import Box, Role
from webapp.fleets.selectors import CREDENTIAL_LIFE, box_by_credential, wants_new_credential
from webapp.fleets.services import box_revoke, credential_rotation_request


class Machine:
    def __init__(self, credential: str) -> None:
        self.credential = credential

    def target(self) -> Any:
        return Client().get("/api/box/target", headers={"Authorization": f"Bearer {self.credential}"})

    def new_credential(self) -> str:
        headers = {"Authorization": f"Bearer {self.credential}"}
        credential: str = Client().post("/api/box/credential", headers=headers).json()["credential"]
        return credential


def test_the_old_credential_works_until_the_new_one_was_used(fleet: Any) -> None:
    credential_rotation_request(actor=fleet.people[Role.ADMINISTRATOR], box=fleet.box, now=timezone.now())
    old = Machine(fleet.credential)
    assert old.target().json()["renew_credential"]

    new = Machine(old.new_credential())
    assert old.target().status_code == 200
    assert not new.target().json().get("renew_credential", False)
    assert old.target().status_code == 401
    assert new.target().status_code == 200
    assert AuditEvent.objects.get(action="box.credential").address == "127.0.0.1"


def test_a_credential_that_got_lost_on_the_way_is_replaced_by_the_next(fleet: Any) -> None:
    old = Machine(fleet.credential)
    lost, new = Machine(old.new_credential()), Machine(old.new_credential())

    assert lost.target().status_code == 401
    assert new.target().status_code == 200


def test_revoking_ends_both(fleet: Any) -> None:
    new = Machine(fleet.credential).new_credential()
    box_revoke(actor=None, box=fleet.box, now=timezone.now())

    assert box_by_credential(new) is None
    assert box_by_credential(fleet.credential) is None


def test_no_credential_is_stored_in_the_clear(fleet: Any) -> None:
    new = Machine(fleet.credential).new_credential()

    assert new not in str(Box.objects.values().get(id=fleet.box.id)) + str(list(AuditEvent.objects.values()))


def test_a_box_is_asked_when_its_credential_is_old(fleet: Any) -> None:
    box = Box.objects.get(id=fleet.box.id)
    assert not wants_new_credential(box, timezone.now())
    assert wants_new_credential(box, timezone.now() + CREDENTIAL_LIFE + timedelta(minutes=1))


def test_only_administrators_ask_for_it(fleet: Any) -> None:
    with pytest.raises(NotAllowed):
        credential_rotation_request(actor=fleet.people[Role.APPROVER], box=fleet.box, now=timezone.now())
