"""Under /api/box/: what queries found."""

from django.urls import path

from webapp.results import api

urlpatterns = [path("events", api.events)]
