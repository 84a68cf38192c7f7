"""Addresses of sign-in, sign-out and one's password."""

from django.contrib.auth.views import LogoutView
from django.urls import path

from webapp.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignInView.as_view(), name="sign-in"),
    path("sign-out/", LogoutView.as_view(), name="sign-out"),
    path("password/", views.password, name="password"),
    path("join/<str:secret>/", views.invitation, name="invitation"),
]
