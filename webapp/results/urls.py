"""Addresses of results: parts of pages that are kept current, pictures of events, exports."""

from django.urls import path

from webapp.results import views

app_name = "results"
urlpatterns = [
    path("queries/<uuid:query_id>/counts/", views.counts, name="counts"),
    path("queries/<uuid:query_id>/events/", views.events, name="query-events"),
    path("cameras/<uuid:camera_id>/events/", views.events, name="camera-events"),
    path("events/<uuid:event_id>/picture.jpg", views.event_picture, name="event-picture"),
    path("queries/<uuid:query_id>/counts.csv", views.counts_csv, name="query-counts-csv"),
    path("cameras/<uuid:camera_id>/counts.csv", views.counts_csv, name="camera-counts-csv"),
    path("boxes/<uuid:box_id>/counts.csv", views.counts_csv, name="box-counts-csv"),
    path("sites/<uuid:site_id>/counts.csv", views.counts_csv, name="site-counts-csv"),
    path("queries/<uuid:query_id>/events.csv", views.events_csv, name="query-events-csv"),
    path("cameras/<uuid:camera_id>/events.csv", views.events_csv, name="camera-events-csv"),
    path("boxes/<uuid:box_id>/events.csv", views.events_csv, name="box-events-csv"),
    path("sites/<uuid:site_id>/events.csv", views.events_csv, name="site-events-csv"),
]
