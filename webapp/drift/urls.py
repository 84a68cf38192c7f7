"""The address of what a site does about drift."""

from django.urls import path

from webapp.drift import views

app_name = "drift"
urlpatterns = [path("sites/<uuid:site_id>/accuracy/", views.site_drift, name="site-drift")]
