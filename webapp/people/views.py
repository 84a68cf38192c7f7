"""Pages of people, and of sites with the roles in them."""

from uuid import UUID

from allauth.mfa.utils import is_mfa_enabled
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webapp.accounts.models import Person
from webapp.common.lists import shown_list
from webapp.common.pages import form_errors, message_errors
from webapp.common.undo import success_undoable
from webapp.fleets.models import Role
from webapp.fleets.policies import require_role
from webapp.fleets.selectors import has_role, memberships_of, sees_everything, site_get, site_list, sites_administered
from webapp.fleets.services import membership_remove, membership_set, site_update
from webapp.people import services
from webapp.people.forms import ROLE_CHOICES, InvitationForm, MembershipForm, SiteEditForm
from webapp.people.mail import is_mail_configured, link_send
from webapp.people.policies import require_administrator
from webapp.people.selectors import person_get, person_list


def people(request: HttpRequest) -> HttpResponse:
    require_administrator(request.user)
    shown = shown_list(person_list(request.user), ("username", "first_name", "last_name", "email"), request.GET)
    return render(request, "people/person_list.html", {"shown": shown})


def invite(request: HttpRequest) -> HttpResponse:
    require_administrator(request.user)
    if not sites_administered(request.user).exists():
        messages.info(request, gettext("People get their roles for a site, so make one first."))
        return redirect("fleets:site-add")
    form = InvitationForm(request.POST or None, actor=request.user, initial={"site": request.GET.get("site")})
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            person, secret = services.person_invite(actor=request.user, now=timezone.now(), **form.cleaned_data)
            return _show_link(request, person, secret)
    return render(request, "people/person_invite.html", {"form": form, "is_mailed": is_mail_configured()})


def person(request: HttpRequest, person_id: UUID) -> HttpResponse:
    """Its link is kept in the session of who made it, so that a reload still shows it."""
    require_administrator(request.user)
    shown = person_get(request.user, person_id)
    context = {
        "person": shown,
        "link": request.session.get(_link_key(shown)),
        "manages_everything": sees_everything(request.user),
        "has_second_factor": is_mfa_enabled(shown),
        "invitation": shown.invitations.order_by("-created_at").first(),
    }
    return render(request, "people/person_detail.html", context)


@require_POST
def link(request: HttpRequest, person_id: UUID) -> HttpResponse:
    shown = _of_post(request, person_id)
    with message_errors(request):
        return _show_link(request, shown, services.link_create(actor=request.user, person=shown, now=timezone.now()))
    return redirect("people:person-detail", person_id)


@require_POST
def active(request: HttpRequest, person_id: UUID) -> HttpResponse:
    shown, is_active = _of_post(request, person_id), request.POST.get("value") == "on"
    with message_errors(request):
        services.person_active_set(actor=request.user, person=shown, is_active=is_active, now=timezone.now())
        words = (
            gettext("The account of %(person)s is switched on.")
            if is_active
            else gettext("The account of %(person)s is switched off.")
        )
        text = words % {"person": shown}
        success_undoable(request, text, request.path, value="off" if is_active else "on")
    return redirect("people:person-detail", person_id)


@require_POST
def superuser(request: HttpRequest, person_id: UUID) -> HttpResponse:
    shown, is_superuser = _of_post(request, person_id), request.POST.get("value") == "on"
    with message_errors(request):
        services.person_superuser_set(actor=request.user, person=shown, is_superuser=is_superuser, now=timezone.now())
        words = (
            gettext("%(person)s administers the whole installation.")
            if is_superuser
            else gettext("%(person)s no longer administers the whole installation.")
        )
        text = words % {"person": shown}
        if is_superuser or shown != request.user:
            success_undoable(request, text, request.path, value="off" if is_superuser else "on")
        else:  # who gives it up cannot take it back
            messages.success(request, text)
    return redirect("people:person-detail", person_id)


@require_POST
def second_factor(request: HttpRequest, person_id: UUID) -> HttpResponse:
    shown = _of_post(request, person_id)
    with message_errors(request):
        services.second_factor_remove(actor=request.user, person=shown, now=timezone.now())
        messages.success(
            request,
            gettext("%(shown)s signs in with the password alone until they set up a second factor again.")
            % {"shown": shown},
        )
    return redirect("people:person-detail", person_id)


def sites(request: HttpRequest) -> HttpResponse:
    context = {"sites": site_list(request.user), "manages_everything": sees_everything(request.user)}
    return render(request, "people/site_list.html", context)


def site(request: HttpRequest, site_id: UUID) -> HttpResponse:
    """?person=ID opens this person's row for changing their role."""
    return _site_page(request, site_id, MembershipForm(actor=request.user))


def site_edit(request: HttpRequest, site_id: UUID) -> HttpResponse:
    shown = site_get(request.user, site_id)
    require_role(request.user, shown, Role.ADMINISTRATOR)
    form = SiteEditForm(request.POST or None, site=shown)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            site_update(actor=request.user, site=shown, now=timezone.now(), **form.cleaned_data)
            return redirect("people:site-detail", site_id)
    return render(request, "people/site_edit.html", {"form": form, "site": site_get(request.user, site_id)})


@require_POST
def member_set(request: HttpRequest, site_id: UUID) -> HttpResponse:
    shown, form = site_get(request.user, site_id), MembershipForm(request.POST, actor=request.user)
    if form.is_valid():
        with form_errors(form):
            membership_set(actor=request.user, site=shown, now=timezone.now(), **form.cleaned_data)
            person, role = form.cleaned_data["person"], form.cleaned_data["role"]
            messages.success(
                request,
                gettext("%(person)s is %(label)s of %(shown)s.")
                % {"person": person, "label": role.label.lower(), "shown": shown},
            )
            return redirect("people:site-detail", site_id)
    return _site_page(request, site_id, form)


@require_POST
def member_remove(request: HttpRequest, site_id: UUID, person_id: UUID) -> HttpResponse:
    shown = site_get(request.user, site_id)
    with message_errors(request):
        person = person_get(request.user, person_id)
        role = shown.memberships.filter(person=person).values_list("role", flat=True).first() or ""
        membership_remove(actor=request.user, site=shown, person=person, now=timezone.now())
        text = gettext("%(person)s has no role in %(site)s any more.") % {"person": person, "site": shown}
        address = reverse("people:member-set", args=[site_id])
        success_undoable(request, text, address, person=str(person.pk), role=role)
    return redirect("people:site-detail", site_id)


def _site_page(request: HttpRequest, site_id: UUID, form: MembershipForm) -> HttpResponse:
    shown = site_get(request.user, site_id)
    if not form.is_bound:
        form.offer_only_strangers(shown)
    may_manage = has_role(request.user, shown, Role.ADMINISTRATOR)
    context = {
        "site": shown,
        "memberships": memberships_of(shown),
        "boxes": shown.boxes.all(),
        "roles": ROLE_CHOICES,
        "may_manage": may_manage,
        "changed": request.GET.get("person") if may_manage else None,
        "form": form,
        "has_strangers": form.fields["person"].queryset.exists(),
    }
    return render(request, "people/site_detail.html", context)


def _of_post(request: HttpRequest, person_id: UUID) -> Person:
    require_administrator(request.user)
    return person_get(request.user, person_id)


def _show_link(request: HttpRequest, person: Person, secret: str) -> HttpResponse:
    """Sends the link where there is a mail server, and shows it in any case: mail gets lost."""
    address = request.build_absolute_uri(reverse("accounts:invitation", args=[secret]))
    request.session[_link_key(person)] = address
    server = f"{request.scheme}://{request.get_host()}"
    if link_send(person=person, inviter=request.user, server=server, link=address):
        messages.success(request, gettext("The link was sent to %(email)s.") % {"email": person.email})
    elif is_mail_configured() and person.email:
        messages.warning(
            request, gettext("The mail server did not take the message: give the link below to them yourself.")
        )
    return redirect("people:person-detail", person.id)


def _link_key(person: Person) -> str:
    return f"link.{person.id}"
