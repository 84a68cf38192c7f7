"""The page of settings: those of sites, which are changed on pages of their own, and those of the installation."""

from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from webapp.common.lists import shown_list
from webapp.dashboard.installation import installation
from webapp.drift.models import DriftSettings
from webapp.fleets.selectors import sees_everything, sites_administered
from webapp.people.policies import require_administrator


def settings(request: HttpRequest) -> HttpResponse:
    """Of the installation only for whoever manages it."""
    require_administrator(request.user)
    sites = sites_administered(request.user).select_related("drift_settings")
    shown = shown_list(sites.annotate(receiver_count=Count("alert_receivers")).order_by("name"), ("name",), request.GET)
    rows = [(site, getattr(site, "drift_settings", None) or DriftSettings(site=site)) for site in shown.page]
    groups = installation() if sees_everything(request.user) else ()
    return render(request, "dashboard/settings.html", {"shown": shown, "rows": rows, "groups": groups})
