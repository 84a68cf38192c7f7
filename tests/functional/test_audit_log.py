"""The audit log: searched by its address, exported, and never changed."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from webapp.audit.models import AuditEvent
from webapp.audit.services import audit_record
from webapp.dashboard import audit_log
from webapp.fleets.models import Role
from webapp.fleets.services import box_create, site_create

# The test client is no ASGI server, so it reads the export as a whole.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
PAGE, EXPORT = "dashboard:audit-log", "dashboard:audit-export"


def rows_of(response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(response).decode())))


def test_finds_by_words_person_action_and_day(browser, fleet, person, words):
    box_create(actor=person, site=fleet.site, name="south gate", now=timezone.now())
    address, day = reverse(PAGE), timezone.localdate()

    found = words(browser.get(address, {"text": "south ada", "action": "box.create", "since": day}))
    assert "added box south gate" in found
    assert "added camera entry" not in found
    assert "Nothing was found" in words(browser.get(address, {"text": "south", "until": day - timedelta(days=1)}))
    assert "north gate" not in words(browser.get(address, {"person": person.pk}))


def test_an_entry_leads_to_what_it_is_about_while_that_exists(browser, fleet, person):
    audit_record(actor=person, action="camera.delete", subject=fleet.camera, now=timezone.now())

    content = browser.get(reverse(PAGE)).content.decode()

    assert '<option value="camera.delete">deleted camera</option>' in content
    assert f'href="{reverse("dashboard:box-detail", args=[fleet.box.pk])}">north gate</a>' in content
    assert f"{fleet.camera.name}</strong>" in content


def test_every_kind_of_action_that_can_be_searched_for_says_of_what(browser, fleet, person, words):
    for action, subject in (("merge_run.end", fleet.box), ("bundle.publish", fleet.box), ("drift.end", fleet.box)):
        audit_record(actor=None, action=action, subject=subject, site_id=fleet.site.id, now=timezone.now())

    response = browser.get(reverse(PAGE))

    said = {str(shown) for _, shown in response.context["form"].fields["action"].choices}
    assert {"ended merge run", "published bundle", "ended drift"} <= said
    assert "published north gate" in words(response)


def test_whoever_signed_in_is_named_once_and_details_are_words(browser, fleet, person, words):
    now = timezone.now()
    audit_record(actor=person, action="person.sign_in", subject=person, now=now)
    audit_record(
        actor=person, action="query.create", subject=fleet.query("cars"), now=now, detail={"objects": ["car", "bus"]}
    )

    said = words(browser.get(reverse(PAGE)))

    assert f"{now:%Y-%m-%d %H:%M:%S} UTC ada signed in –" in said
    assert "added query cars Details objects car, bus" in said
    assert "ada signed in just now" in words(browser.get(reverse("dashboard:overview")))


def test_a_search_that_cannot_be_read_says_so_and_shows_the_rest(browser, fleet, words):
    response = words(browser.get(reverse(PAGE), {"since": "yesterday", "text": "entry"}))

    assert "Enter a valid date." in response
    assert "added camera entry" in response


def test_pages_keep_the_search(browser, fleet, person):
    for number in range(60):
        audit_record(actor=person, action="box.create", subject=fleet.box, now=timezone.now(), detail={"n": number})

    content = browser.get(reverse(PAGE), {"action": "box.create", "text": "north"}).content.decode()

    assert "1–50 of 61" in content
    assert "?action=box.create&amp;text=north&amp;page=2" in content
    assert "51–61 of 61" in browser.get(reverse(PAGE) + "?action=box.create&text=north&page=2").content.decode()


def test_the_export_has_every_row_found_over_all_batches(browser, fleet, person, monkeypatch):
    monkeypatch.setattr(audit_log, "BATCH", 7)
    now = timezone.now()
    for _ in range(23):  # the same moment, so that only the id orders them
        audit_record(actor=person, action="box.update", subject=fleet.box, site_id=fleet.site.pk, now=now)

    rows = rows_of(browser.get(reverse(EXPORT), {"action": "box.update"}))

    assert rows[0] == list(audit_log.CSV_HEADER)
    assert len(rows) == 24
    assert rows[1][1:6] == ["ada", "box.update", "box", "north gate", "harbour"]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_takes_no_name_for_a_formula(browser, fleet, name):
    box_create(actor=None, site=fleet.site, name=name, now=timezone.now())

    subjects = [row[4] for row in rows_of(browser.get(reverse(EXPORT)))]

    assert f"'{name}" in subjects
    assert name not in subjects


@pytest.mark.parametrize("statement", ["UPDATE audit_auditevent SET action = 'x'", "DELETE FROM audit_auditevent"])
def test_the_database_itself_refuses_to_change_a_row(fleet, statement):
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert AuditEvent.objects.filter(action="site.create").exists()


def test_administrators_of_a_site_see_its_rows_only(fleet, client_of, words):
    site_create(actor=None, name="elsewhere", now=timezone.now())

    seen = words(client_of(fleet.member(Role.ADMINISTRATOR)).get(reverse(PAGE)))

    assert "added box north gate" in seen
    assert "added site elsewhere" not in seen


@pytest.mark.parametrize("page", [PAGE, EXPORT])
def test_others_do_not_see_the_log(fleet, client_of, page):
    assert client_of(fleet.member(Role.APPROVER)).get(reverse(page)).status_code == 403
