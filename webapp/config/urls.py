"""All addresses of the web application."""

from django.urls import include, path
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

# Translations of what scripts say; pages in English do not ask for it.
script_texts = cache_control(private=True, max_age=3600)(JavaScriptCatalog.as_view())

pages = [
    path("", include("webapp.dashboard.urls")),
    path("", include("webapp.accounts.urls")),
    path("", include("webapp.accounts.sign_in_urls")),
    path("", include("webapp.people.urls")),
    path("", include("webapp.fleets.urls")),
    path("", include("webapp.workloads.urls")),
    path("", include("webapp.results.urls")),
    path("", include("webapp.merges.urls")),
    path("", include("webapp.rollouts.urls")),
    path("", include("webapp.drift.urls")),
    path("", include("webapp.alerts.urls")),
]

box_api = [
    path("", include("webapp.fleets.api_urls")),
    path("", include("webapp.workloads.api_urls")),
    path("", include("webapp.results.api_urls")),
    path("", include("webapp.rollouts.api_urls")),
]

urlpatterns: list = [
    path("api/box/", include(box_api)),
    path("api/v1/", include("webapp.config.rest_urls")),
    path("script-texts.js", script_texts, name="javascript-catalog"),
    *pages,
]
