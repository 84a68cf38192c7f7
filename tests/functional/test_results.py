"""Looking at what queries found: counts, events and their pictures, exports."""

import csv
import html
import io
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from edge_runtime.protocol.messages import EventReport
from webapp.accounts.models import Person
from webapp.accounts.services import token_create
from webapp.fleets.models import Role
from webapp.fleets.services import camera_update
from webapp.results import export
from webapp.results.models import Event, MinuteCount
from webapp.results.services import event_record
from webapp.workloads.models import Query
from webapp.workloads.services import query_delete

# The test client is no ASGI server, so it reads an export as a whole.
pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")


@pytest.fixture
def picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 36), "white").save(written, "JPEG")
    return written.getvalue()


def count(query: Any, minutes_ago: int, frames: int, appeared: dict, present: dict) -> MinuteCount:
    minute = timezone.now().replace(second=0, microsecond=0) - timedelta(minutes=minutes_ago)
    return MinuteCount.objects.create(
        camera=query.camera, query_id=query.id, minute=minute, frames=frames, appeared=appeared, present=present
    )


def event(query: Any, picture: bytes | None, label: str = "car", hours_ago: float = 0.5) -> Event:
    at = timezone.now() - timedelta(hours=hours_ago)
    told = EventReport(
        *(str(uuid.uuid4()), str(query.id), str(query.camera_id), "appeared", label),
        *(at.timestamp(), at.timestamp() + 3, 0.9, (0.1, 0.2, 0.3, 0.4)),
    )
    event_record(box=query.camera.box, report=told, picture=picture, now=timezone.now())
    return Event.objects.get(id=told.event)


def query_page(query: Any, parameters: str = "") -> str:
    return reverse("dashboard:query-detail", args=[query.id]) + parameters


def camera_page(fleet: Any, parameters: str = "") -> str:
    return reverse("dashboard:camera-detail", args=[fleet.camera.id]) + parameters


def rows_of(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response).decode())))


def test_counts_are_told_in_words_and_as_bars(browser, fleet, words):
    query = fleet.query("count cars")
    count(query, 2, 100, {"car": 3}, {"car": 150.0})
    count(query, 1, 100, {"car": 4, "truck": 1}, {"car": 50.0, "truck": 1.0})
    count(query, 120, 100, {"car": 100}, {})

    response = browser.get(query_page(query, "?span=1h"))
    content = response.content.decode()

    assert re.search(
        r'aria-label="Counts of count cars: changes to each class per minute, from .* UTC\. car: 7\.', content
    )
    assert "car 7 100.0 %" in words(response)
    assert "truck 1 0.5 %" in words(response)
    assert "per hour" in words(browser.get(query_page(query)))


def test_a_camera_shows_the_counts_of_each_of_its_queries(browser, fleet):
    cars, trucks = fleet.query("count cars"), fleet.query("count trucks")
    count(cars, 1, 10, {"car": 5}, {})

    content = browser.get(camera_page(fleet)).content.decode()

    assert "Counts of count cars" in content
    assert "car: 5." in content
    assert f'id="counts-{trucks.id}"' in content


def test_another_time_is_an_address(browser, fleet, words):
    query = fleet.query("count cars")
    count(query, 26 * 60, 10, {"car": 5}, {})
    today = browser.get(query_page(query)).content.decode()
    assert "car: 0." in today

    earlier = re.search(r'href="(\?span=24h&amp;until=[^"#]+)', today).group(1).replace("&amp;", "&")
    yesterday = browser.get(query_page(query, earlier))

    assert "car: 5." in yesterday.content.decode()
    assert 'data-from="' not in yesterday.content.decode()  # the past does not change
    assert "not 'last week'" in words(browser.get(query_page(query, "?until=last+week")))


def test_without_events_it_says_what_has_to_happen(browser, fleet, words):
    assert "Add a query to this camera" in words(browser.get(camera_page(fleet)))
    fleet.query("count cars")
    assert "north gate is not connected. It keeps its events" in words(browser.get(camera_page(fleet)))


def test_events_are_pictures_that_can_be_narrowed_down(browser, fleet, picture, words):
    cars, trucks = fleet.query("count cars"), fleet.query("count trucks")
    shown, other = event(cars, picture, "car"), event(trucks, picture, "truck")
    old = event(cars, picture, "bus", hours_ago=30)

    everything = browser.get(camera_page(fleet)).content.decode()
    assert [str(one.id) in everything for one in (shown, other, old)] == [True, True, False]
    assert str(old.id) in browser.get(camera_page(fleet, "?span=7d")).content.decode()
    by_label = browser.get(camera_page(fleet, "?label=truck")).content.decode()
    assert [str(one.id) in by_label for one in (shown, other)] == [False, True]
    by_query = browser.get(camera_page(fleet, f"?query={cars.id}")).content.decode()
    assert [str(one.id) in by_query for one in (shown, other)] == [True, False]
    assert "No such event in this time" in words(browser.get(camera_page(fleet, "?label=bicycle")))

    answer = browser.get(reverse("results:event-picture", args=[shown.id]))
    assert (answer.content, answer.headers["Content-Type"]) == (picture, "image/jpeg")


def test_many_events_have_pages_that_keep_what_was_chosen(browser, fleet):
    query = fleet.query("count cars")
    for _ in range(25):
        event(query, None)

    first = browser.get(query_page(query, "?span=24h&label=car")).content.decode()

    assert "1–24 of 25" in first
    older = re.search(r'href="(\?[^"]*page=2)#events', first).group(1).replace("&amp;", "&")
    assert older == "?span=24h&label=car&page=2"
    assert "25–25 of 25" in browser.get(query_page(query, older)).content.decode()


def test_the_list_that_is_kept_current_is_a_part_of_its_own(browser, fleet, picture):
    query = fleet.query("count cars")
    page = browser.get(query_page(query, "?label=car")).content.decode()
    address = re.search(r'data-refresh-from="([^"]+)"', page).group(1).replace("&amp;", "&")

    shown = event(query, picture)
    part = browser.get(address).content.decode()

    assert part.lstrip().startswith('<div id="event-list"')
    assert str(shown.id) in part
    counts = re.search(r'data-from="([^"]+)"', page).group(1).replace("&amp;", "&")
    assert f'id="counts-data-{query.id}"' in browser.get(counts).content.decode()


def test_a_camera_that_keeps_its_pictures_says_so(browser, fleet, picture, person, words):
    shown = event(fleet.query("count cars"), picture)
    camera_update(actor=person, camera=fleet.camera, privacy="off", now=timezone.now())

    response = browser.get(camera_page(fleet))

    assert "Events are shown without pictures: this camera’s privacy setting" in words(response)
    assert f"event-{shown.id}" in response.content.decode()
    assert "<img src=" not in response.content.decode().split('id="event-list"')[1]
    assert browser.get(reverse("results:event-picture", args=[shown.id])).status_code == 404


def test_counts_as_csv_have_units_zeros_and_no_rows_for_what_was_not_measured(browser, fleet, monkeypatch):
    monkeypatch.setattr(export, "BATCH", 2)
    query, other = fleet.query("count cars"), fleet.query("count trucks")
    for minutes_ago in (5, 4, 3):
        count(query, minutes_ago, 10, {"car": minutes_ago}, {"car": 5.0})
    last = count(query, 1, 10, {}, {})
    count(other, 1, 10, {"truck": 9}, {"truck": 1.0})

    rows = rows_of(browser.get(reverse("results:query-counts-csv", args=[query.id])))

    assert list(rows[0]) == list(export.COUNT_HEADER)
    assert [row[export.COUNT_HEADER[6]] for row in rows] == ["5", "4", "3", "0"]
    assert [row[export.COUNT_HEADER[7]] for row in rows] == ["0.5", "0.5", "0.5", "0.0"]
    assert rows[-1]["minute (UTC)"] == last.minute.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:00Z")
    assert {
        row["query"] for row in rows_of(browser.get(reverse("results:camera-counts-csv", args=[fleet.camera.id])))
    } == {
        "count cars",
        "count trucks",
    }
    since = {"since": (last.minute - timedelta(minutes=1)).isoformat(), "until": datetime.now(UTC).isoformat()}
    box = rows_of(browser.get(reverse("results:box-counts-csv", args=[fleet.box.id]), since))
    assert [(row["query"], row["class"]) for row in box if row[export.COUNT_HEADER[6]] != "0"] == [
        ("count trucks", "truck")
    ]


def test_a_deleted_query_keeps_its_name_in_exports(browser, fleet, picture, person):
    query = fleet.query("count cars")
    count(query, 1, 10, {"car": 2}, {})
    event(query, picture)
    query_delete(actor=person, query=query, now=timezone.now())

    counts = rows_of(browser.get(reverse("results:camera-counts-csv", args=[fleet.camera.id])))
    events = rows_of(browser.get(reverse("results:camera-events-csv", args=[fleet.camera.id])))

    assert [row["query"] for row in counts + events] == ["count cars", "count cars"]


def test_events_as_csv_can_be_opened_in_a_spreadsheet_without_running_anything(browser, fleet, picture):
    query = fleet.query("=HYPERLINK(1)")
    shown = event(query, picture, label="@car")

    (row,) = rows_of(browser.get(reverse("results:box-events-csv", args=[fleet.box.id])))

    assert (row["query"], row["class"]) == ("'=HYPERLINK(1)", "'@car")
    assert (row["score (0..1)"], row["left (share of width)"]) == ("0.9", "0.1")
    assert row["picture"] == f"http://testserver/events/{shown.id}/picture.jpg"
    assert row["at (UTC)"].endswith("Z")


def test_the_export_of_a_gallery_holds_the_events_that_it_shows(browser, fleet, picture):
    query, other = fleet.query("count cars"), fleet.query("count trucks")
    wanted = event(query, picture)
    event(query, picture, label="truck")
    event(other, picture)

    page = browser.get(camera_page(fleet, f"?span=1h&label=car&query={query.id}")).content.decode()
    (export_address,) = re.findall(r'href="([^"]*/events\.csv[^"]*)"', page)
    rows = rows_of(browser.get(html.unescape(export_address)))

    assert [row["event"] for row in rows] == [str(wanted.id)]
    assert len(rows_of(browser.get(reverse("results:camera-events-csv", args=[fleet.camera.id])))) == 3


def test_the_page_of_a_box_offers_the_counts_of_all_its_queries(browser, fleet):
    page = reverse("dashboard:box-detail", args=[fleet.box.id])
    address = reverse("results:box-counts-csv", args=[fleet.box.id])
    assert address not in browser.get(page).content.decode()
    count(fleet.query("count cars"), 1, 10, {"car": 2}, {})
    count(fleet.query("count trucks"), 1, 10, {"truck": 3}, {})

    (offered,) = re.findall(rf'href="({address}[^"]*)"', browser.get(page).content.decode())

    assert {row["query"] for row in rows_of(browser.get(offered))} == {"count cars", "count trucks"}


def test_counts_and_events_of_all_boxes_of_a_site_are_exported_for_days(browser, fleet, picture):
    query = fleet.query("count cars")
    last = count(query, 1, 10, {"car": 2}, {})
    event(query, picture)
    other = Query.objects.get(camera__box=fleet.other_box("south gate", "count buses"))
    count(other, 1, 10, {"bus": 3}, {})
    page = browser.get(reverse("people:site-detail", args=[fleet.site.id])).content.decode()
    counts, events = (reverse(f"results:site-{what}-csv", args=[fleet.site.id]) for what in ("counts", "events"))
    assert f'action="{counts}"' in page
    assert f'formaction="{events}"' in page

    yesterday, tomorrow = (last.minute.date() + timedelta(days=days) for days in (-1, 1))
    asked = {"since": yesterday.isoformat(), "until": tomorrow.isoformat()}
    rows = rows_of(browser.get(counts, asked))
    assert {(row["box"], row["query"]) for row in rows} == {("north gate", "count cars"), ("south gate", "count buses")}
    assert [row["query"] for row in rows_of(browser.get(events, asked))] == ["count cars"]
    assert rows_of(browser.get(counts, {"since": "2026-05-04", "until": "2026-05-05"})) == []


def test_nobody_sees_results_of_another_site(fleet, picture, client_of):
    query = fleet.query("count cars")
    shown = event(query, picture)
    addresses = [reverse("results:event-picture", args=[shown.id]), reverse("results:counts", args=[query.id])]
    subjects = {"query": query, "camera": fleet.camera, "box": fleet.box, "site": fleet.site}
    for kind, subject in subjects.items():
        addresses += [reverse(f"results:{kind}-{what}-csv", args=[subject.id]) for what in ("counts", "events")]
    addresses += [reverse(f"results:{kind}-events", args=[subjects[kind].id]) for kind in ("query", "camera")]

    insider, outsider = client_of(fleet.member(Role.VIEWER)), client_of(Person.objects.create_user("eve"))

    assert {insider.get(address).status_code for address in addresses} == {200}
    assert {outsider.get(address).status_code for address in addresses} == {404}


@pytest.fixture
def program_of(client):
    """A program with a token of that person: gets an address of the REST API."""

    def of(person: Person) -> Any:
        _, secret = token_create(actor=person, name="script", days=1, now=timezone.now())
        headers = {"Authorization": f"Bearer {secret}"}
        return lambda path: client.get(f"/api/v1{path}", headers=headers)

    return of


def test_a_program_reads_counts_per_minute_and_hour_and_exports_a_site(program_of, person, fleet):
    query, program = fleet.query("count cars"), program_of(person)
    two = count(query, 2, 100, {"car": 3}, {"car": 150.0})
    count(query, 1, 100, {"car": 4}, {})
    count(fleet.query("others"), 1, 100, {"car": 50}, {})

    found = program(f"/counts/?query={query.id}").json()
    assert (found["count"], found["results"][0]["start"]) == (2, two.minute.isoformat().replace("+00:00", "Z"))
    assert [(row["appeared"], row["present"]) for row in found["results"]] == [
        ({"car": 3}, {"car": 1.5}),
        ({"car": 4}, {}),
    ]
    hours = program(f"/counts/hours/?query={query.id}").json()
    assert sum(row["appeared"]["car"] for row in hours) == 7
    assert {row["start"][13:] for row in hours} == {":00:00Z"}
    exported = rows_of(program(f"/counts/export/?site={fleet.site.id}"))
    assert {row["query"] for row in exported} == {"count cars", "others"}
    assert program("/counts/").json()["fields"] == {
        "non_field_errors": ["Say exactly one of site, box, camera and query."]
    }
    assert program(f"/counts/hours/?site={fleet.site.id}").status_code == 400
    backwards = program(f"/counts/?query={query.id}&since=2026-01-02&until=2026-01-01")
    assert backwards.status_code == 400


def test_a_program_reads_events_with_their_pictures_as_privacy_lets_it(program_of, person, fleet, picture):
    query, program = fleet.query("count cars"), program_of(person)
    seen, bare = event(query, picture), event(query, None, label="truck", hours_ago=1)

    found = program(f"/events/?camera={fleet.camera.id}").json()["results"]
    assert [(row["id"], row["has_picture"]) for row in found] == [(str(seen.id), True), (str(bare.id), False)]
    assert program(f"/events/?query={query.id}&label=truck").json()["count"] == 1
    assert program(f"/events/{seen.id}/").json()["area"] == [0.1, 0.2, 0.3, 0.4]
    assert program(f"/events/{seen.id}/picture/").content == picture
    assert program(f"/events/{bare.id}/picture/").status_code == 404
    (row, _) = rows_of(program(f"/events/export/?site={fleet.site.id}"))
    assert row["picture"].endswith(f"/api/v1/events/{seen.id}/picture/")
    fleet.camera.__class__.objects.update(privacy="off")
    assert program(f"/events/{seen.id}/picture/").status_code == 404
    assert program(f"/events/{seen.id}/").json()["has_picture"] is False


def test_a_program_of_another_site_reads_none_of_it(program_of, fleet, picture):
    query = fleet.query("count cars")
    count(query, 1, 100, {"car": 3}, {})
    seen = event(query, picture)
    stranger = program_of(Person.objects.create_user("stranger"))

    for name, thing in (("site", fleet.site), ("box", fleet.box), ("camera", fleet.camera), ("query", query)):
        for path in ("/counts/", "/counts/hours/", "/counts/export/", "/events/", "/events/export/"):
            assert list(stranger(f"{path}?{name}={thing.id}").json()["fields"]) == [name]
    assert stranger(f"/events/{seen.id}/").status_code == 404
    assert stranger(f"/events/{seen.id}/picture/").status_code == 404
