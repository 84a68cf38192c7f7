"""Under /api/box/: joining and cameras."""

from django.urls import path

from webapp.fleets import api

urlpatterns = [
    path("enrol", api.enrol),
    path("credential", api.credential),
    path("cameras/<uuid:camera_id>/probe", api.probe),
]
