"""Pages that change the fleet: sites, boxes and how they join, cameras. Pages that show it live in the dashboard."""

from collections.abc import Mapping
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from webapp.common.choosing import options
from webapp.common.pages import form_errors, message_errors
from webapp.fleets import services
from webapp.fleets.advice import camera_warnings
from webapp.fleets.forms import BoxForm, CameraEditForm, CameraForm, SiteForm, camera_label
from webapp.fleets.makes import MAKES
from webapp.fleets.selectors import box_get, box_list, camera_get, camera_list, camera_picture, sites_of

JPEG = "image/jpeg"


def site_add(request: HttpRequest) -> HttpResponse:
    form = SiteForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            services.site_create(actor=request.user, name=form.cleaned_data["name"], now=timezone.now())
            return redirect("fleets:box-add")
    return render(request, "fleets/site_add.html", {"form": form})


def box_add(request: HttpRequest) -> HttpResponse:
    if not sites_of(request.user).exists():
        return redirect("fleets:site-add")
    form = BoxForm(request.POST or None, actor=request.user)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            box, code = services.box_create(actor=request.user, now=timezone.now(), **form.cleaned_data)
            request.session[_code_key(box.id)] = code
            return redirect("fleets:box-join", box.id)
    return render(request, "fleets/box_add.html", {"form": form})


def box_join(request: HttpRequest, box_id: UUID) -> HttpResponse:
    """How the machine joins. The code is kept in the session of who made it, so that a reload still shows it."""
    box = box_get(request.user, box_id)
    code = request.session.get(_code_key(box.id))
    expires_at = (
        box.join_codes.filter(used_at=None).order_by("-created_at").values_list("expires_at", flat=True).first()
    )
    server = f"{request.scheme}://{request.get_host()}"
    context = {"box": box, "code": code, "server": server, "expires_at": expires_at}
    context["is_expired"] = expires_at is not None and expires_at <= timezone.now()
    return render(request, "fleets/box_join.html", context)


@require_POST
def join_code_add(request: HttpRequest, box_id: UUID) -> HttpResponse:
    box = box_get(request.user, box_id)
    with message_errors(request):
        code = services.join_code_create(actor=request.user, box=box, now=timezone.now())
        request.session[_code_key(box.id)] = code
    return redirect("fleets:box-join", box.id)


def box_revoke(request: HttpRequest, box_id: UUID) -> HttpResponse:
    box = box_get(request.user, box_id)
    if request.method == "POST":
        with message_errors(request):
            services.box_revoke(actor=request.user, box=box, now=timezone.now())
            messages.success(
                request,
                gettext("%(box)s has lost its access. A new join code lets a machine become it again.") % {"box": box},
            )
        return redirect("dashboard:box-detail", box.id)
    return render(request, "fleets/box_revoke.html", {"box": box})


def box_renew(request: HttpRequest, box_id: UUID) -> HttpResponse:
    box = box_get(request.user, box_id)
    if request.method == "POST":
        with message_errors(request):
            services.credential_rotation_request(actor=request.user, box=box, now=timezone.now())
            messages.success(request, gettext("%(box)s renews its credential as soon as it is heard.") % {"box": box})
        return redirect("dashboard:box-detail", box.id)
    return render(request, "fleets/box_renew.html", {"box": box})


def box_options(request: HttpRequest) -> HttpResponse:
    """Of a form's choice among many boxes (htmx)."""
    return options(request, box_list(request.user), ("name", "site__name"))


def camera_options(request: HttpRequest) -> HttpResponse:
    """Of a form's choice among many cameras (htmx)."""
    return options(request, camera_list(request.user), ("name", "box__name", "box__site__name"), camera_label)


def camera_add(request: HttpRequest) -> HttpResponse:
    if not box_list(request.user).exists():
        return redirect("fleets:box-add")
    form = CameraForm(request.POST or None, actor=request.user, initial={"box": request.GET.get("box")})
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            camera = services.camera_create(actor=request.user, now=timezone.now(), **form.cleaned_data)
            return redirect("fleets:camera-check", camera.id)
    return render(request, "fleets/camera_add.html", {"form": form, "makes": MAKES})


def camera_check(request: HttpRequest, camera_id: UUID) -> HttpResponse:
    """The second step of adding a camera: what the box found, before anything looks at it."""
    camera = camera_get(request.user, camera_id)
    context = {"camera": camera, "warnings": camera_warnings(camera), "is_being_added": True}
    return render(request, "fleets/camera_check.html", context)


def camera_edit(request: HttpRequest, camera_id: UUID) -> HttpResponse:
    camera = camera_get(request.user, camera_id)
    form = CameraEditForm(request.POST or None, camera=camera)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            services.camera_update(actor=request.user, camera=camera, now=timezone.now(), **form.cleaned_data)
            return redirect(_camera_page(request.GET), camera.id)
    context = {"form": form, "camera": camera_get(request.user, camera_id), "makes": MAKES}
    return render(request, "fleets/camera_edit.html", context)


def camera_delete(request: HttpRequest, camera_id: UUID) -> HttpResponse:
    camera = camera_get(request.user, camera_id)
    if request.method == "POST":
        with message_errors(request):
            services.camera_delete(actor=request.user, camera=camera, now=timezone.now())
            messages.success(request, gettext("Camera %(camera)s is deleted.") % {"camera": camera})
            return redirect("dashboard:camera-list")
        return redirect("dashboard:camera-detail", camera_id)
    return render(request, "fleets/camera_delete.html", {"camera": camera})


@require_POST
def camera_probe(request: HttpRequest, camera_id: UUID) -> HttpResponse:
    camera = camera_get(request.user, camera_id)
    with message_errors(request):
        services.camera_probe_request(actor=request.user, camera=camera, now=timezone.now())
    return redirect(_camera_page(request.POST), camera.id)


def camera_still(request: HttpRequest, camera_id: UUID) -> HttpResponse:
    """With `?plain` the picture on which nothing is drawn."""
    picture = camera_picture(camera_get(request.user, camera_id), is_plain="plain" in request.GET)
    return HttpResponse(picture, content_type=JPEG, headers={"Cache-Control": "private, no-cache"})


def _camera_page(parameters: Mapping[str, str]) -> str:
    """Back to where the person came from: the steps of adding it, or its own page."""
    return "fleets:camera-check" if parameters.get("next") == "check" else "dashboard:camera-detail"


def _code_key(box_id: UUID) -> str:
    return f"join_code.{box_id}"
