"""Addresses of sign-in and second factor: those views of django-allauth that we use, under the names it knows them by.

Its other pages (signing up, managing e-mail addresses, resets by e-mail) have no address here.
"""

from allauth.account import views
from allauth.socialaccount import views as social_views
from django.urls import include, path

urlpatterns = [
    path("sign-in/", views.login, name="account_login"),
    path("sign-in/switched-off/", views.account_inactive, name="account_inactive"),
    path("sign-in/cancelled/", social_views.login_cancelled, name="socialaccount_login_cancelled"),
    path("sign-in/error/", social_views.login_error, name="socialaccount_login_error"),
    path("sign-in/", include("allauth.socialaccount.providers.openid_connect.urls")),
    path("sign-out/", views.logout, name="account_logout"),
    path("confirm/", views.reauthenticate, name="account_reauthenticate"),
    path("second-factor/", include("allauth.mfa.urls")),
]
