"""Under /api/box/: frames for data sets."""

from django.urls import path

from webapp.workloads import api

urlpatterns = [
    path("frame-requests/<uuid:dataset_id>/frames", api.frames),
    path("frame-requests/<uuid:dataset_id>/complete", api.complete),
]
