"""Addresses of actions on bundles."""

from django.urls import path

from webapp.rollouts import views

app_name = "rollouts"
urlpatterns = [
    path("boxes/<uuid:box_id>/bundle/retry/", views.retry, name="bundle-retry"),
    path("boxes/<uuid:box_id>/bundle/cancel/", views.cancel, name="bundle-cancel"),
]
