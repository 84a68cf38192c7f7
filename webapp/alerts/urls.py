"""Addresses of the alerts, and of what a site does about them."""

from django.urls import path

from webapp.alerts import views

app_name = "alerts"
urlpatterns = [
    path("alerts/", views.alerts, name="alert-list"),
    path("alerts/<uuid:alert_id>/acknowledge/", views.acknowledge, name="alert-acknowledge"),
    path("alerts/<uuid:alert_id>/unacknowledge/", views.unacknowledge, name="alert-unacknowledge"),
    path("alerts/<uuid:alert_id>/silence/", views.silence, name="alert-silence"),
    path("silences/<uuid:silence_id>/end/", views.end_silence, name="silence-end"),
    path("sites/<uuid:site_id>/alerts/", views.site_alerts, name="site-alerts"),
    path("sites/<uuid:site_id>/alerts/silence/", views.silence_site, name="site-silence"),
    path("alert-receivers/<uuid:receiver_id>/delete/", views.delete_receiver, name="receiver-delete"),
    path("alert-receivers/<uuid:receiver_id>/test/", views.test_receiver, name="receiver-test"),
]
