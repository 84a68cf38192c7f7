"""Addresses of pages that change the fleet."""

from django.urls import path

from webapp.fleets import views

app_name = "fleets"
urlpatterns = [
    path("sites/add/", views.site_add, name="site-add"),
    path("boxes/add/", views.box_add, name="box-add"),
    path("boxes/<uuid:box_id>/join/", views.box_join, name="box-join"),
    path("boxes/<uuid:box_id>/join-code/", views.join_code_add, name="join-code-add"),
    path("boxes/<uuid:box_id>/revoke/", views.box_revoke, name="box-revoke"),
    path("boxes/<uuid:box_id>/renew/", views.box_renew, name="box-renew"),
    path("boxes/options/", views.box_options, name="box-options"),
    path("cameras/options/", views.camera_options, name="camera-options"),
    path("cameras/add/", views.camera_add, name="camera-add"),
    path("cameras/<uuid:camera_id>/check/", views.camera_check, name="camera-check"),
    path("cameras/<uuid:camera_id>/edit/", views.camera_edit, name="camera-edit"),
    path("cameras/<uuid:camera_id>/delete/", views.camera_delete, name="camera-delete"),
    path("cameras/<uuid:camera_id>/probe/", views.camera_probe, name="camera-probe"),
    path("cameras/<uuid:camera_id>/picture.jpg", views.camera_still, name="camera-picture"),
]
