"""All addresses of the web application."""

from django.urls import include, path

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
    *pages,
]
