"""Under /api/box/: what the box should run."""

from django.urls import path

from webapp.rollouts import api

urlpatterns = [
    path("target", api.target),
    path("manifests/<str:digest>", api.manifest),
    path("blobs/<str:digest>", api.blob),
]
