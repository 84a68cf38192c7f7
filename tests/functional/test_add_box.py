"""Adding a box and letting a machine join as it."""

from datetime import timedelta

from django.test import Client
from django.urls import reverse
from django.utils import timezone

from edge_runtime.protocol.enrolment import Hardware
from webapp.fleets.models import Box, JoinCode, Role, Site
from webapp.fleets.services import box_enrol, site_create

HARDWARE = Hardware("edge-9", "Linux", 4, 8 * 2**30, "cpu", "Some CPU", "0.1.0")


def _add(browser: Client, site: Site, name: str = "depot roof"):
    return browser.post(reverse("fleets:box-add"), {"site": site.id, "name": name})


def _code(response) -> str:
    return response.context["code"]


def test_asks_for_a_site_before_the_first_box(browser):
    response = browser.get(reverse("fleets:box-add"))
    assert response.url == reverse("fleets:site-add")

    browser.post(response.url, {"name": "harbour"})
    assert Site.objects.get().name == "harbour"


def test_shows_the_exact_command_to_run_on_the_machine(browser, fleet, words):
    response = browser.get(_add(browser, fleet.site).url)

    assert f"gemel-edge enrol --server http://testserver --code {_code(response)}" in words(response)


def test_the_shown_code_works_and_the_page_then_says_that_the_machine_joined(browser, fleet, words):
    join = _add(browser, fleet.site).url
    box, _ = box_enrol(code=_code(browser.get(join)), hardware=HARDWARE, now=timezone.now())

    page = words(browser.get(join))
    assert box.name == "depot roof"
    assert "depot roof has joined" in page
    assert "--code" not in page


def test_shows_the_code_to_nobody_else(browser, fleet, client_of):
    join = _add(browser, fleet.site).url
    code = _code(browser.get(join))

    other = client_of(fleet.member(Role.OPERATOR)).get(join)
    assert other.status_code == 200
    assert code not in other.content.decode()


def test_says_when_a_code_has_expired_and_replaces_it(browser, fleet, words):
    join = _add(browser, fleet.site).url
    old = _code(browser.get(join))
    JoinCode.objects.update(expires_at=timezone.now() - timedelta(minutes=1))

    assert "The join code expired" in words(browser.get(join))
    box = Box.objects.get(name="depot roof")
    browser.post(reverse("fleets:join-code-add", args=[box.id]))
    response = browser.get(join)
    assert _code(response) != old
    assert "The join code expired" not in words(response)


def test_refuses_a_name_that_is_taken_and_adds_nothing(browser, fleet, words):
    response = _add(browser, fleet.site, "north gate")

    assert 'There is a box called "north gate" in harbour already.' in words(response)
    assert Box.objects.count() == 1


def test_refuses_a_viewer_and_adds_nothing(fleet, client_of, words):
    response = _add(client_of(fleet.member(Role.VIEWER)), fleet.site)

    assert "Only people with the role operator" in words(response)
    assert Box.objects.count() == 1


def test_hides_boxes_of_other_sites(fleet, client_of, words):
    elsewhere = site_create(actor=None, name="elsewhere", now=timezone.now())
    Box.objects.filter(id=fleet.box.id).update(site=elsewhere)

    response = client_of(fleet.member(Role.VIEWER)).get(reverse("dashboard:box-detail", args=[fleet.box.id]))
    assert response.status_code == 404
    assert "There is no such box." in words(response)


def test_revokes_access_only_after_asking(browser, fleet, words):
    revoke = reverse("fleets:box-revoke", args=[fleet.box.id])
    assert "loses its access at once" in words(browser.get(revoke))
    fleet.box.refresh_from_db()
    assert fleet.box.enrolled_at is not None

    browser.post(revoke)
    fleet.box.refresh_from_db()
    assert fleet.box.enrolled_at is None


def test_who_waits_to_join_stands_on_top_of_the_list_with_the_way_in(browser, fleet, words):
    join = _add(browser, fleet.site, "yard").url

    page = browser.get(reverse("dashboard:box-list"))

    assert [row.box.name for row in page.context["rows"]] == ["yard", fleet.box.name]
    assert f'href="{join}">Let its machine join' in page.content.decode()
