"""Joining, roles, connections and cameras in a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.db import connection

from edge_runtime.protocol.enrolment import Hardware
from edge_runtime.protocol.messages import ProbeResult
from webapp.audit.models import AuditEvent
from webapp.common.errors import Conflict, InvalidInput, NotAllowed, NotFound
from webapp.fleets import services
from webapp.fleets.models import Box, Camera, Role
from webapp.fleets.selectors import box_by_credential, box_get, box_list, camera_get

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HARDWARE = Hardware("edge-1", "Linux", 4, 8 * 2**30, "cpu", "Some CPU", "0.1.0")


def code_for(fleet: Any) -> str:
    return services.join_code_create(actor=None, box=fleet.box, now=NOW)


def test_a_join_code_makes_a_machine_the_box_whatever_case_it_is_typed_in(fleet: Any) -> None:
    code = code_for(fleet)
    box, credential = services.box_enrol(code=f" {code.lower().replace('-', '')} ", hardware=HARDWARE, now=NOW)
    assert box == fleet.box
    assert box_by_credential(credential) == box
    assert box.hardware["hostname"] == "edge-1"


def test_neither_code_nor_credential_is_stored_in_the_clear(fleet: Any) -> None:
    code = code_for(fleet)
    stored = str(list(fleet.box.join_codes.values())) + str(Box.objects.values().get(id=fleet.box.id))
    assert code not in stored
    assert fleet.credential not in stored


@pytest.mark.parametrize("wrong", ["", "AAAA-AAAA-AAAA", "nonsense"])
def test_a_wrong_code_is_refused_in_one_sentence(fleet: Any, wrong: str) -> None:
    with pytest.raises(services.JoinCodeWrong, match="join code is wrong") as refused:
        services.box_enrol(code=wrong, hardware=HARDWARE, now=NOW)
    assert refused.value.code == "join_code_wrong"


def test_an_expired_code_is_refused_and_the_old_credential_stays(fleet: Any) -> None:
    code = code_for(fleet)
    with pytest.raises(services.JoinCodeExpired, match="has expired"):
        services.box_enrol(code=code, hardware=HARDWARE, now=NOW + timedelta(hours=1))
    assert box_by_credential(fleet.credential) == fleet.box


def test_a_code_works_once(fleet: Any) -> None:
    code = code_for(fleet)
    services.box_enrol(code=code, hardware=HARDWARE, now=NOW)
    with pytest.raises(services.JoinCodeUsed, match="used already"):
        services.box_enrol(code=code, hardware=HARDWARE, now=NOW)


def test_a_new_code_ends_the_earlier_one(fleet: Any) -> None:
    first = code_for(fleet)
    code_for(fleet)
    with pytest.raises(services.JoinCodeExpired):
        services.box_enrol(code=first, hardware=HARDWARE, now=NOW)


def test_an_operator_lets_a_new_box_join_and_no_machine_take_anothers_place(fleet: Any) -> None:
    operator, administrator = fleet.people[Role.OPERATOR], fleet.people[Role.ADMINISTRATOR]
    box, _ = services.box_create(actor=operator, site=fleet.site, name="south gate", now=NOW)
    services.join_code_create(actor=operator, box=box, now=NOW)

    with pytest.raises(NotAllowed, match="role administrator"):
        services.join_code_create(actor=operator, box=fleet.box, now=NOW)
    services.box_revoke(actor=administrator, box=fleet.box, now=NOW)
    with pytest.raises(NotAllowed, match="role administrator"):
        services.join_code_create(actor=operator, box=fleet.box, now=NOW)
    assert services.join_code_create(actor=administrator, box=fleet.box, now=NOW)


def test_joining_again_takes_the_place_of_the_machine_before(fleet: Any) -> None:
    services.box_enrol(code=code_for(fleet), hardware=HARDWARE, now=NOW)
    assert box_by_credential(fleet.credential) is None


def test_a_revoked_box_has_no_credential(fleet: Any) -> None:
    services.box_revoke(actor=fleet.people[Role.ADMINISTRATOR], box=fleet.box, now=NOW)
    assert box_by_credential(fleet.credential) is None
    assert box_by_credential("") is None


def test_each_role_may_do_what_the_lower_ones_may(fleet: Any) -> None:
    with pytest.raises(NotAllowed, match="operator"):
        services.box_create(actor=fleet.people[Role.VIEWER], site=fleet.site, name="new", now=NOW)
    services.box_create(actor=fleet.people[Role.APPROVER], site=fleet.site, name="new", now=NOW)
    with pytest.raises(NotAllowed):
        services.box_revoke(actor=fleet.people[Role.APPROVER], box=fleet.box, now=NOW)


def test_people_see_and_change_only_their_own_sites(fleet: Any, make_fleet: Any) -> None:
    other = make_fleet("airport")
    outsider = other.people[Role.ADMINISTRATOR]
    assert list(box_list(outsider)) == [other.box]
    with pytest.raises(NotFound):
        box_get(outsider, fleet.box.id)
    with pytest.raises(NotFound):
        camera_get(outsider, fleet.camera.id)
    with pytest.raises(NotAllowed):
        services.camera_delete(actor=outsider, camera=fleet.camera, now=NOW)


def test_a_name_is_used_once_in_a_site_and_the_refusal_names_it(fleet: Any) -> None:
    with pytest.raises(InvalidInput, match='called "box of harbour"') as refused:
        services.box_create(actor=None, site=fleet.site, name=" box of harbour ", now=NOW)
    assert refused.value.field == "name"
    assert Box.objects.count() == 1


def test_the_later_connection_counts_when_the_earlier_one_closes_last(fleet: Any) -> None:
    services.box_connected(box=fleet.box, connection="first", now=NOW)
    services.box_connected(box=fleet.box, connection="second", now=NOW)
    services.box_disconnected(box=fleet.box, connection="first")
    fleet.box.refresh_from_db()
    assert fleet.box.is_connected
    services.box_disconnected(box=fleet.box, connection="second")
    fleet.box.refresh_from_db()
    assert not fleet.box.is_connected


def test_a_box_that_went_silent_is_no_longer_connected(fleet: Any) -> None:
    services.box_connected(box=fleet.box, connection="first", now=NOW)
    assert services.boxes_unseen_disconnect(now=NOW + timedelta(seconds=29)) == 0
    assert services.boxes_unseen_disconnect(now=NOW + timedelta(seconds=31)) == 1


def test_a_camera_password_is_encrypted_and_in_no_audit_row(fleet: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select source from fleets_camera where id = %s", [fleet.camera.id])
        assert "secret" not in cursor.fetchone()[0]
    assert "secret" not in str(list(AuditEvent.objects.values()))
    assert fleet.camera.source_shown == "rtsp://***@cam/1"


@pytest.mark.parametrize("source", ["", "cam1", "ftp://host/x", "rtsp://"])
def test_an_address_that_is_none_is_refused_at_its_field(fleet: Any, source: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        services.camera_create(actor=None, box=fleet.box, name="new", source=source, now=NOW)
    assert refused.value.field == "source"
    assert Camera.objects.count() == 1


def test_an_edit_without_an_address_keeps_the_password_and_asks_for_no_picture(fleet: Any) -> None:
    for source in ("", "rtsp://***@cam/1"):
        services.camera_update(actor=None, camera=fleet.camera, source=source, name="renamed", now=NOW)
    camera = Camera.objects.get(id=fleet.camera.id)
    assert (camera.source, camera.probe_request, camera.name) == ("rtsp://user:secret@cam/1", 1, "renamed")
    services.camera_update(actor=None, camera=camera, source="/recordings/a.mp4", now=NOW)
    assert Camera.objects.get(id=camera.id).probe_request == 2


def test_a_probe_is_recorded_once_and_an_older_answer_is_ignored(fleet: Any, jpeg: bytes) -> None:
    services.camera_probe_request(actor=None, camera=fleet.camera, now=NOW)
    late = ProbeResult(request=1, problem="The camera cannot be reached.")
    services.camera_probe_record(
        camera=fleet.camera, probe=ProbeResult(2, 640, 480, 25.0, "h264"), picture=jpeg, now=NOW
    )
    services.camera_probe_record(camera=fleet.camera, probe=late, picture=None, now=NOW)
    camera = Camera.objects.get(id=fleet.camera.id)
    assert (camera.width, camera.probe_answered, camera.probe_problem) == (640, 2, "")
    assert default_storage.open(camera.picture).read() == jpeg


def test_turning_privacy_off_removes_the_pictures_that_are_here(
    fleet: Any, jpeg: bytes, django_capture_on_commit_callbacks: Any
) -> None:
    services.camera_probe_record(camera=fleet.camera, probe=ProbeResult(1), picture=jpeg, now=NOW)
    services.camera_preview_record(camera_id=fleet.camera.id, picture=jpeg)
    path = fleet.camera.picture
    with django_capture_on_commit_callbacks(execute=True):
        services.camera_update(actor=None, camera=fleet.camera, privacy="off", now=NOW)
    assert not default_storage.exists(path)
    assert Camera.objects.get(id=fleet.camera.id).picture == ""


def test_a_camera_with_queries_is_kept(fleet: Any) -> None:
    fleet.query()
    with pytest.raises(Conflict, match="delete them first"):
        services.camera_delete(actor=None, camera=fleet.camera, now=NOW)
