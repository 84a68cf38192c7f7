"""Addresses of one's password and API tokens, and of invitations. Signing in has its own (sign_in_urls)."""

from django.urls import path

from webapp.accounts import views

app_name = "accounts"
urlpatterns = [
    path("password/", views.password, name="password"),
    path("tokens/", views.tokens, name="token-list"),
    path("tokens/add/", views.token_add, name="token-add"),
    path("tokens/<uuid:token_id>/revoke/", views.token_end, name="token-revoke"),
    path("join/<str:secret>/", views.invitation, name="invitation"),
]
