"""An administrator invites somebody, gives roles, and switches accounts off; nobody locks everybody out."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from webapp.accounts.models import Person
from webapp.audit.models import AuditEvent
from webapp.fleets.models import Role, SiteMembership
from webapp.fleets.services import membership_set, site_create

PASSWORD = "harbour-lights-42"


@pytest.fixture
def invite(browser, fleet):
    def of(**changes):
        values = {"username": "grace", "full_name": "Grace", "email": "grace@example.org"}
        values |= {"site": fleet.site.pk, "role": "approver"} | changes
        return browser.post(reverse("people:person-invite"), values, follow=True)

    return of


def link_in(response) -> str:
    return response.content.decode().split('data-testid="link">')[1].split("</code>")[0]


def test_whoever_is_invited_chooses_a_password_and_signs_in(invite, fleet, client_of, words):
    link = link_in(invite())
    stranger = Client()

    assert "for the user name grace" in words(stranger.get(link))
    response = stranger.post(link, {"new_password1": PASSWORD, "new_password2": PASSWORD}, follow=True)

    assert "Your password is set. Sign in as grace." in words(response)
    stranger.post(reverse("account_login"), {"login": "grace", "password": PASSWORD})
    assert stranger.get(reverse("dashboard:overview")).status_code == 200
    membership = SiteMembership.objects.get(person__username="grace")
    assert (membership.site, membership.role) == (fleet.site, Role.APPROVER)


def test_a_link_works_once_and_not_after_a_newer_one(invite, browser, words):
    first = link_in(invite())
    person = Person.objects.get(username="grace")
    second = link_in(browser.post(reverse("people:person-link", args=[person.pk]), follow=True))
    stranger = Client()

    assert stranger.get(first).status_code == 404
    stranger.post(second, {"new_password1": PASSWORD, "new_password2": PASSWORD})
    used = stranger.get(second)

    assert used.status_code == 404
    assert "Ask whoever sent it for a new one." in words(used)


def test_a_weak_password_is_refused_and_the_link_goes_on_working(invite, words):
    link, stranger = link_in(invite()), Client()

    response = stranger.post(link, {"new_password1": "short", "new_password2": "short"})

    assert "too short" in words(response)
    assert stranger.get(link).status_code == 200


def test_sends_the_link_where_a_mail_server_is_configured(invite, settings, words):
    settings.EMAIL_HOST_IS_SET = True

    response = invite()

    assert "The link was sent to grace@example.org." in words(response)
    assert link_in(response) in mail.outbox[0].body


def test_a_user_name_that_is_taken_is_refused_beside_its_field(invite, words):
    assert 'There is a person called "ada" already' in words(invite(username="ada"))


def test_administrators_of_a_site_manage_its_people_and_no_others(fleet, client_of, words):
    administrator, viewer = fleet.member(Role.ADMINISTRATOR), fleet.member(Role.VIEWER)
    elsewhere = Person.objects.create_user("elsewhere")
    theirs = client_of(administrator)

    assert "viewer of harbour" in words(theirs.get(reverse("people:person-list")))
    assert theirs.get(reverse("people:person-detail", args=[elsewhere.pk])).status_code == 404
    response = theirs.post(
        reverse("people:member-set", args=[fleet.site.pk]), {"person": viewer.pk, "role": "operator"}, follow=True
    )
    assert "viewer is operator of harbour." in words(response)
    off = theirs.post(reverse("people:person-active", args=[viewer.pk]), {"value": "off"}, follow=True)
    assert "Only an administrator of the whole installation may do this" in words(off)
    viewer.refresh_from_db()
    assert viewer.is_active


def test_a_role_is_changed_in_the_row_that_was_asked_for(fleet, client_of):
    administrator, viewer = fleet.member(Role.ADMINISTRATOR), fleet.member(Role.VIEWER)
    page = reverse("people:site-detail", args=[fleet.site.pk])
    opened, form = f"{page}?person={viewer.pk}", 'aria-label="Role of viewer"'

    closed = client_of(administrator).get(page).content.decode()
    assert f"?person={viewer.pk}" in closed
    assert form not in closed
    assert form in client_of(administrator).get(opened).content.decode()
    assert form not in client_of(viewer).get(opened).content.decode()
    assert form not in client_of(administrator).get(f"{page}?person=nobody").content.decode()


def test_a_site_administrator_gets_no_link_to_somebody_elses_account_in_use(fleet, client_of, person, words):
    administrator, viewer = fleet.member(Role.ADMINISTRATOR), fleet.member(Role.VIEWER)
    client_of(viewer)  # has signed in, so the account is in use

    response = client_of(administrator).post(reverse("people:person-link", args=[viewer.pk]), follow=True)

    assert "only an administrator of the whole installation may make a link" in words(response)
    assert not viewer.invitations.exists()


def test_a_site_administrator_gets_no_link_to_somebody_who_is_to_have_a_role_elsewhere(fleet, client_of, words):
    """Invited to two sites and not yet there: with the link one would be an approver of the other site."""
    administrator, viewer = fleet.member(Role.ADMINISTRATOR), fleet.member(Role.VIEWER)
    address = reverse("people:person-link", args=[viewer.pk])
    elsewhere = site_create(actor=None, name="elsewhere", now=timezone.now())
    membership_set(actor=None, site=elsewhere, person=viewer, role=Role.APPROVER, now=timezone.now())

    response = client_of(administrator).post(address, follow=True)

    assert "has a role in a site that you do not administer" in words(response)
    assert not viewer.invitations.exists()
    membership_set(actor=None, site=elsewhere, person=administrator, role=Role.ADMINISTRATOR, now=timezone.now())
    client_of(administrator).post(address)
    assert viewer.invitations.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR, Role.APPROVER])
def test_others_see_neither_people_nor_the_forms_of_a_site(fleet, client_of, words, role):
    theirs, member = client_of(fleet.member(role)), fleet.member(Role.ADMINISTRATOR)

    assert theirs.get(reverse("people:person-list")).status_code == 403
    assert "Give the role" not in words(theirs.get(reverse("people:site-detail", args=[fleet.site.pk])))
    assert theirs.get(reverse("people:site-edit", args=[fleet.site.pk])).status_code == 403
    response = theirs.post(reverse("people:member-remove", args=[fleet.site.pk, member.pk]), follow=True)
    assert SiteMembership.objects.filter(person=member).exists()
    assert response.status_code == 200


def test_the_last_administrator_of_a_site_stays(fleet, client_of, words):
    administrator = fleet.member(Role.ADMINISTRATOR)
    address = reverse("people:member-remove", args=[fleet.site.pk, administrator.pk])

    response = client_of(administrator).post(address, follow=True)

    assert "is the last administrator of harbour: make somebody else administrator first" in words(response)
    assert SiteMembership.objects.filter(person=administrator).exists()


@pytest.mark.parametrize("page", ["people:person-active", "people:person-superuser"])
def test_the_last_administrator_of_everything_stays(browser, person, words, page):
    response = browser.post(reverse(page, args=[person.pk]), {"value": "off"}, follow=True)

    assert "ada is the last administrator of this installation" in words(response)
    person.refresh_from_db()
    assert person.is_active
    assert person.is_superuser


def test_a_switched_off_account_ends_what_is_open(browser, fleet, client_of):
    viewer = fleet.member(Role.VIEWER)
    theirs = client_of(viewer)
    assert theirs.get("/").status_code == 200

    browser.post(reverse("people:person-active", args=[viewer.pk]), {"value": "off"})

    assert theirs.get("/").status_code == 302
    browser.post(reverse("people:person-active", args=[viewer.pk]), {"value": "on"})
    viewer.refresh_from_db()
    assert viewer.is_active


def test_the_four_eyes_rule_is_set_on_the_page_of_the_site(browser, fleet, words):
    browser.post(reverse("people:site-edit", args=[fleet.site.pk]), {"name": "quay"})

    fleet.site.refresh_from_db()
    assert (fleet.site.name, fleet.site.requester_may_approve) == ("quay", False)
    assert "Four eyes" in words(browser.get(reverse("people:site-detail", args=[fleet.site.pk])))


def test_the_log_says_from_where(browser, fleet):
    browser.post(
        reverse("people:site-edit", args=[fleet.site.pk]),
        {"name": "quay"},
        HTTP_USER_AGENT="Firefox",
        REMOTE_ADDR="192.0.2.7",
    )

    event = AuditEvent.objects.get(action="site.update")
    assert (event.actor.username, event.address, event.user_agent) == ("ada", "192.0.2.7", "Firefox")
    assert event.detail["before"]["name"] == "harbour"
