"""Addresses of one's password and of invitations. Signing in has its own (sign_in_urls)."""

from django.urls import path

from webapp.accounts import views

app_name = "accounts"
urlpatterns = [
    path("password/", views.password, name="password"),
    path("join/<str:secret>/", views.invitation, name="invitation"),
]
