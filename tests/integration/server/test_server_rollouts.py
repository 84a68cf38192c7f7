"""Bundles that a box gives up or that a person takes back, and a new key for all of them."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from edge_runtime.protocol.messages import Report
from edge_runtime.protocol.signing import newest_key, private_key_new, public_key_of, verify
from webapp.audit.models import AuditEvent
from webapp.common.errors import Conflict, NotAllowed, NotFound
from webapp.common.signing_key import signing_key
from webapp.fleets.models import Role
from webapp.fleets.services import camera_update
from webapp.jobs.models import Job
from webapp.rollouts.models import Bundle
from webapp.rollouts.selectors import box_status, manifest_of, signing_key_rotations, target_state
from webapp.rollouts.services import bundle_cancel, bundle_publish, bundle_retry, report_record, signing_key_rotate
from webapp.workloads.task_names import PUBLISH_BUNDLE

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def operator(fleet: Any) -> Any:
    return fleet.people[Role.OPERATOR]


def published(fleet: Any, name: str) -> Bundle:
    fleet.query(name)
    return bundle_publish(box=fleet.box, now=NOW)


def says(fleet: Any, bundle: Bundle, **fields: Any) -> None:
    report = Report("running", "", bundle.manifest_digest, bundle.version, **fields)
    report_record(box=fleet.box, report=report, now=NOW)


def test_a_box_that_runs_a_newer_bundle_than_a_restored_server_knows_gets_one_that_is_newer_still(fleet: Any) -> None:
    known = published(fleet, "one")
    report_record(box=fleet.box, report=Report("running", "", "f" * 64, known.version + 8), now=NOW)
    assert Job.objects.filter(task=PUBLISH_BUNDLE, subject=fleet.box.id).count() == 2  # for the query, and for this
    newer = bundle_publish(box=fleet.box, now=NOW)
    assert newer.version == known.version + 9
    assert manifest_of(newer).models == manifest_of(known).models
    assert bundle_publish(box=fleet.box, now=NOW) == newer


def test_the_target_says_how_often_to_ask_again_and_how_often_to_sample(fleet: Any, settings: Any) -> None:
    published(fleet, "one")
    settings.POLL_S = 42.0
    camera_update(actor=None, camera=fleet.camera, sample_every_s=60, now=NOW)

    wanted = target_state(fleet.box)

    assert (wanted.poll_s, [query.sample_every_s for query in wanted.queries]) == (42.0, [60.0])


def test_a_bundle_that_the_box_gave_up_is_wanted_again_as_another_attempt(fleet: Any, operator: Any) -> None:
    first, second = published(fleet, "one"), published(fleet, "two")
    says(fleet, first, refused_digest=second.manifest_digest)
    assert box_status(fleet.box, NOW).has_refused

    bundle_retry(actor=operator, box=fleet.box, now=NOW)

    wanted = target_state(fleet.box).bundle
    assert (wanted.manifest_digest, wanted.attempt) == (second.manifest_digest, 1)
    assert AuditEvent.objects.get(action="bundle.retry").actor == operator


def test_a_cancelled_bundle_gives_way_to_the_one_before_until_something_changes(fleet: Any, operator: Any) -> None:
    first = published(fleet, "one")
    published(fleet, "two")
    says(fleet, first)
    assert box_status(fleet.box, NOW).is_pending

    bundle_cancel(actor=operator, box=fleet.box, now=NOW)

    state = target_state(fleet.box)
    assert state.bundle.manifest_digest == first.manifest_digest
    assert [query.name for query in state.queries] == ["one"]
    assert not box_status(fleet.box, NOW).is_pending
    third = bundle_publish(box=fleet.box, now=NOW)
    assert (third.version, target_state(fleet.box).bundle.version) == (3, 3)


def test_what_runs_already_cannot_be_cancelled(fleet: Any, operator: Any) -> None:
    says(fleet, published(fleet, "one"))
    with pytest.raises(Conflict, match="runs bundle 1 already"):
        bundle_cancel(actor=operator, box=fleet.box, now=NOW)


def test_a_box_that_was_faster_than_the_cancelling_is_believed(fleet: Any, operator: Any) -> None:
    published(fleet, "one")
    second = published(fleet, "two")
    bundle_cancel(actor=operator, box=fleet.box, now=NOW)
    says(fleet, second)
    assert target_state(fleet.box).bundle.manifest_digest == second.manifest_digest


@pytest.mark.parametrize("action", [bundle_retry, bundle_cancel])
def test_only_operators_touch_bundles_and_only_where_there_is_one(fleet: Any, operator: Any, action: Any) -> None:
    with pytest.raises(NotFound):
        action(actor=operator, box=fleet.box, now=NOW)
    published(fleet, "one")
    with pytest.raises(NotAllowed):
        action(actor=fleet.people[Role.VIEWER], box=fleet.box, now=NOW)


def test_what_had_to_be_sent_is_noted_once(fleet: Any) -> None:
    bundle = published(fleet, "one")
    says(fleet, bundle, bytes_downloaded=12)
    says(fleet, bundle, bytes_downloaded=0)  # after a restart the box does not know any more
    bundle.refresh_from_db()
    assert bundle.bytes_sent == 12


def test_a_new_key_signs_every_bundle_and_is_vouched_for_by_the_old_one(fleet: Any, monkeypatch: Any) -> None:
    bundle, pinned = published(fleet, "one"), public_key_of(signing_key())
    monkeypatch.setenv("GEMEL_SIGNING_KEY_OLD", signing_key())
    monkeypatch.setenv("GEMEL_SIGNING_KEY", private_key_new())

    call_command("rotate_signing_key")

    assert newest_key(pinned, signing_key_rotations()) == public_key_of(signing_key())
    bundle.refresh_from_db()
    verify(bundle.manifest.encode(), bundle.signature, public_key_of(signing_key()))


def test_a_key_in_a_file_is_replaced_there(fleet: Any, monkeypatch: Any) -> None:
    monkeypatch.delenv("GEMEL_SIGNING_KEY")
    pinned = public_key_of(signing_key())
    call_command("rotate_signing_key")
    assert public_key_of(signing_key()) != pinned
    assert newest_key(pinned, signing_key_rotations()) == public_key_of(signing_key())


def test_a_key_has_one_successor(fleet: Any, monkeypatch: Any) -> None:
    old = signing_key()
    signing_key_rotate(actor=None, old_key=old, new_key=private_key_new(), now=NOW)
    with pytest.raises(Conflict):
        signing_key_rotate(actor=None, old_key=old, new_key=private_key_new(), now=NOW)
    with pytest.raises(CommandError, match="GEMEL_SIGNING_KEY_OLD"):
        call_command("rotate_signing_key")
