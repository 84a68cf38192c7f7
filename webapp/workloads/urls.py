"""Addresses of models, data sets, and pages that change queries."""

from django.urls import path

from webapp.workloads import views

app_name = "workloads"
urlpatterns = [
    path("models/", views.models, name="model-list"),
    path("models/add/", views.model_add, name="model-add"),
    path("models/<uuid:model_id>/", views.model, name="model-detail"),
    path("models/<uuid:model_id>/describe/", views.model_describe, name="model-describe"),
    path("models/<uuid:model_id>/delete/", views.model_delete, name="model-delete"),
    path("queries/add/", views.query_add, name="query-add"),
    path("queries/objects/", views.query_objects, name="query-objects"),
    path("queries/zone/", views.query_zone, name="query-zone"),
    path("queries/<uuid:query_id>/edit/", views.query_edit, name="query-edit"),
    path("queries/<uuid:query_id>/delete/", views.query_delete, name="query-delete"),
    path("data-sets/", views.datasets, name="dataset-list"),
    path("data-sets/request/", views.dataset_request, name="dataset-request"),
    path("data-sets/upload/", views.dataset_upload, name="dataset-upload"),
    path("data-sets/<uuid:dataset_id>/", views.dataset, name="dataset-detail"),
]
