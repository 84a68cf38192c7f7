"""Under /api/v1/: the REST API for people's programs, and its OpenAPI document. Boxes have /api/box/."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from webapp.accounts.rest import routes as accounts
from webapp.alerts.rest import routes as alerts
from webapp.common.rest import NoSuchAddress
from webapp.dashboard.rest import routes as dashboard
from webapp.drift.rest import routes as drift
from webapp.fleets.rest import routes as fleets
from webapp.merges.rest import routes as merges
from webapp.people.rest import routes as people
from webapp.results.rest import routes as results
from webapp.rollouts.rest import routes as rollouts
from webapp.telemetry.rest import routes as telemetry
from webapp.workloads.rest import routes as workloads

router = SimpleRouter(use_regex_path=False)
for prefix, resource in (
    *fleets,
    *workloads,
    *results,
    *merges,
    *rollouts,
    *telemetry,
    *people,
    *accounts,
    *alerts,
    *drift,
    *dashboard,
):
    router.register(prefix, resource, basename=f"rest-{prefix}")

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="rest-schema"),
    *router.urls,
    path("<path:address>", NoSuchAddress.as_view()),
]
