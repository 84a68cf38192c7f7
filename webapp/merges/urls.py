"""Addresses of merge runs and merged groups."""

from django.urls import path

from webapp.merges.views import groups, runs

app_name = "merges"
urlpatterns = [
    path("merge-runs/", runs.runs, name="run-list"),
    path("merge-runs/start/", runs.run_choose, name="run-choose"),
    path("merge-runs/start/<uuid:box_id>/", runs.run_start, name="run-start"),
    path("merge-runs/<uuid:run_id>/", runs.run, name="run-detail"),
    path("merge-runs/<uuid:run_id>/cancel/", runs.run_cancel, name="run-cancel"),
    path("merged-groups/", groups.groups, name="group-list"),
    path("merged-groups/decide/", groups.groups_decide, name="groups-decide"),
    path("merged-groups/<uuid:group_id>/", groups.group, name="group-detail"),
    path(
        "merged-groups/<uuid:group_id>/disagreements/<uuid:disagreement_id>.jpg",
        groups.disagreement_picture,
        name="disagreement-picture",
    ),
    path("merged-groups/<uuid:group_id>/decide/", groups.group_decide, name="group-decide"),
]
