"""Addresses of people, and of sites with the roles in them."""

from django.urls import path

from webapp.people import views

app_name = "people"
urlpatterns = [
    path("people/", views.people, name="person-list"),
    path("people/invite/", views.invite, name="person-invite"),
    path("people/<uuid:person_id>/", views.person, name="person-detail"),
    path("people/<uuid:person_id>/link/", views.link, name="person-link"),
    path("people/<uuid:person_id>/active/", views.active, name="person-active"),
    path("people/<uuid:person_id>/superuser/", views.superuser, name="person-superuser"),
    path("people/<uuid:person_id>/second-factor/", views.second_factor, name="person-second-factor"),
    path("sites/", views.sites, name="site-list"),
    path("sites/<uuid:site_id>/", views.site, name="site-detail"),
    path("sites/<uuid:site_id>/edit/", views.site_edit, name="site-edit"),
    path("sites/<uuid:site_id>/members/", views.member_set, name="member-set"),
    path("sites/<uuid:site_id>/members/<uuid:person_id>/remove/", views.member_remove, name="member-remove"),
]
