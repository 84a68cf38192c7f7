"""Pages of one's own account: choosing a password, also with an invitation, and API tokens. allauth signs people in."""

from uuid import UUID

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webapp.accounts.forms import PasswordForm, TokenForm
from webapp.accounts.selectors import invitation_get, token_get, token_list
from webapp.accounts.services import invitation_accept, password_change, token_create, token_revoke
from webapp.common.origin import origin_of
from webapp.common.pages import form_errors, message_errors


@login_not_required
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """Choosing a password with a one-time link. Signing in comes next, with a second factor where there is one."""
    person = invitation_get(secret, timezone.now()).person
    form = PasswordForm(person, request.POST or None)
    if request.method == "POST" and form.is_valid():
        password = form.cleaned_data["new_password1"]
        with form_errors(form):
            invitation_accept(secret=secret, password=password, now=timezone.now(), origin=origin_of(request))
            logout(request)  # whoever was signed in here before is somebody else
            messages.success(
                request, gettext("Your password is set. Sign in as %(username)s.") % {"username": person.username}
            )
            return redirect("account_login")
    return render(request, "accounts/invitation.html", {"form": form, "person": person})


@reauthentication_required
def password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        password_change(actor=request.user, password=form.cleaned_data["new_password1"], now=timezone.now())
        update_session_auth_hash(request, request.user)
        messages.success(request, gettext("Your new password counts from now on."))
        return redirect("dashboard:overview")
    return render(request, "accounts/password.html", {"form": form})


def tokens(request: HttpRequest) -> HttpResponse:
    """One's API tokens; the secret of a new one is shown exactly once."""
    context = {"tokens": token_list(request.user), "secret": request.session.pop("api_token", None)}
    return render(request, "accounts/token_list.html", context | {"now": timezone.now()})


@reauthentication_required
def token_add(request: HttpRequest) -> HttpResponse:
    form = TokenForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            _, secret = token_create(actor=request.user, now=timezone.now(), **form.cleaned_data)
            request.session["api_token"] = secret
            return redirect("accounts:token-list")
    return render(request, "accounts/token_add.html", {"form": form})


@require_POST
def token_end(request: HttpRequest, token_id: UUID) -> HttpResponse:
    with message_errors(request):
        token = token_get(request.user, token_id)
        token_revoke(actor=request.user, token=token, now=timezone.now())
        messages.success(request, gettext("The API token %(token)s has stopped working.") % {"token": token})
    return redirect("accounts:token-list")
