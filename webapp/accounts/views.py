"""Choosing a password: in place of the one-time one, or with an invitation. Signing in is django-allauth's."""

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from webapp.accounts.forms import PasswordForm
from webapp.accounts.selectors import invitation_get
from webapp.accounts.services import invitation_accept, password_change
from webapp.common.origin import origin_of
from webapp.common.pages import form_errors


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
            messages.success(request, f"Your password is set. Sign in as {person.username}.")
            return redirect("account_login")
    return render(request, "accounts/invitation.html", {"form": form, "person": person})


@reauthentication_required
def password(request: HttpRequest) -> HttpResponse:
    form = PasswordForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        password_change(actor=request.user, password=form.cleaned_data["new_password1"], now=timezone.now())
        update_session_auth_hash(request, request.user)
        messages.success(request, "Your new password counts from now on.")
        return redirect("dashboard:overview")
    return render(request, "accounts/password.html", {"form": form})
