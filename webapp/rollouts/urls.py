"""Addresses of rollouts, and of actions on bundles."""

from django.urls import path

from webapp.rollouts.views import bundles, rollouts

app_name = "rollouts"
urlpatterns = [
    path("boxes/<uuid:box_id>/bundle/retry/", bundles.retry, name="bundle-retry"),
    path("boxes/<uuid:box_id>/bundle/cancel/", bundles.cancel, name="bundle-cancel"),
    path("merged-groups/<uuid:group_id>/rollouts/", rollouts.group_offer, name="group-offer"),
    path("rollouts/", rollouts.rollouts, name="rollout-list"),
    path("rollouts/start/<uuid:group_id>/", rollouts.start, name="rollout-start"),
    path("rollouts/<uuid:rollout_id>/", rollouts.rollout, name="rollout-detail"),
    path("rollouts/<uuid:rollout_id>/pause/", rollouts.pause, name="rollout-pause"),
    path("rollouts/<uuid:rollout_id>/<slug:action>/", rollouts.confirm, name="rollout-confirm"),
]
