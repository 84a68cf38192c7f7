"""Addresses of the overview and of the pages that gather several apps."""

from django.urls import path

from webapp.dashboard import views

app_name = "dashboard"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("boxes/", views.boxes, name="box-list"),
    path("boxes/<uuid:box_id>/", views.box, name="box-detail"),
    path("cameras/", views.cameras, name="camera-list"),
    path("cameras/<uuid:camera_id>/", views.camera, name="camera-detail"),
    path("queries/", views.queries, name="query-list"),
    path("queries/<uuid:query_id>/", views.query, name="query-detail"),
]
