"""Addresses of merge runs and merged groups."""

from django.urls import path

from webapp.merges import views

app_name = "merges"
urlpatterns = [
    path("merge-runs/", views.runs, name="run-list"),
    path("merge-runs/start/", views.run_choose, name="run-choose"),
    path("merge-runs/start/<uuid:box_id>/", views.run_start, name="run-start"),
    path("merge-runs/<uuid:run_id>/", views.run, name="run-detail"),
    path("merge-runs/<uuid:run_id>/cancel/", views.run_cancel, name="run-cancel"),
    path("merged-groups/", views.groups, name="group-list"),
    path("merged-groups/<uuid:group_id>/", views.group, name="group-detail"),
    path("merged-groups/<uuid:group_id>/decide/", views.group_decide, name="group-decide"),
]
