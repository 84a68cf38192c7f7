"""The page on which a site says what happens when a merged group loses accuracy, with what happened so far."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext

from webapp.common.pages import form_errors
from webapp.drift.forms import DriftForm
from webapp.drift.policies import sentence_of
from webapp.drift.selectors import drift_list, drift_settings
from webapp.drift.services import drift_settings_update
from webapp.fleets.models import Role
from webapp.fleets.policies import require_role
from webapp.fleets.selectors import site_get

SHOWN = 20


def site_drift(request: HttpRequest, site_id: UUID) -> HttpResponse:
    site = site_get(request.user, site_id)
    require_role(request.user, site, Role.ADMINISTRATOR)
    form = DriftForm(request.POST or None, settings=drift_settings(site))
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            drift_settings_update(actor=request.user, site=site, now=timezone.now(), **form.wanted())
            messages.success(
                request,
                gettext("The accuracy of %(site)s's merged groups is watched like this from now on.") % {"site": site},
            )
            return redirect("drift:site-drift", site_id)
    drifts = [(drift, sentence_of(drift)) for drift in drift_list(request.user).filter(site=site)[:SHOWN]]
    return render(request, "drift/site_drift.html", {"site": site, "form": form, "drifts": drifts})
