"""Under /api/box/: what the box should run, and what it measured."""

from django.urls import path

from webapp.rollouts import api

urlpatterns = [
    path("target", api.target),
    path("manifests/<str:digest>", api.manifest),
    path("measured", api.measured),
    path("key-rotations", api.key_rotations),
    path("blobs/<str:digest>", api.blob),
]
