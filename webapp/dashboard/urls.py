"""Addresses of the overview and of the pages that gather several apps."""

from django.urls import path

from webapp.dashboard import audit_views, settings_views, views

app_name = "dashboard"
urlpatterns = [
    path("", views.overview, name="overview"),
    path("search/", views.search, name="search"),
    path("boxes/", views.boxes, name="box-list"),
    path("boxes/<uuid:box_id>/", views.box, name="box-detail"),
    path("boxes/<uuid:box_id>/memory.json", views.box_memory, name="box-memory"),
    path("boxes/<uuid:box_id>/forecast/", views.box_forecast, name="box-forecast"),
    path("cameras/", views.cameras, name="camera-list"),
    path("cameras/<uuid:camera_id>/", views.camera, name="camera-detail"),
    path("audit-log/", audit_views.audit_log, name="audit-log"),
    path("audit-log/export.csv", audit_views.audit_export, name="audit-export"),
    path("settings/", settings_views.settings, name="settings"),
    path("queries/", views.queries, name="query-list"),
    path("queries/cost/", views.query_cost, name="query-cost"),
    path("queries/<uuid:query_id>/series.json", views.query_series, name="query-series"),
    path("queries/<uuid:query_id>/cost/", views.query_change_cost, name="query-change-cost"),
    path("merged-groups/<uuid:group_id>/forecast/", views.group_forecast, name="group-forecast"),
    path("merged-groups/<uuid:group_id>/accuracy/", views.group_accuracy, name="group-accuracy"),
    path("queries/<uuid:query_id>/", views.query, name="query-detail"),
]
