"""Pages that show and change models and data sets, and change queries."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext

from webapp.common.lists import shown_list
from webapp.common.pages import form_errors, message_errors
from webapp.fleets.selectors import camera_list, sites_of
from webapp.workloads import services
from webapp.workloads.forms import (
    DatasetRequestForm,
    DatasetUploadForm,
    ModelDescribeForm,
    ModelForm,
    QueryEditForm,
    QueryForm,
)
from webapp.workloads.models import CheckState, Model, Query
from webapp.workloads.selectors import (
    dataset_get,
    dataset_list,
    model_get,
    model_list,
    models_beside,
    query_get,
    query_list,
)
from webapp.workloads.sharing import shared_by


def models(request: HttpRequest) -> HttpResponse:
    shown = shown_list(model_list(request.user), ("name", "architecture", "site__name"), request.GET)
    return render(request, "workloads/model_list.html", {"shown": shown})


def model_add(request: HttpRequest) -> HttpResponse:
    if not sites_of(request.user).exists():
        return redirect("fleets:site-add")
    form = ModelForm(request.POST or None, request.FILES or None, actor=request.user)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            model = services.model_register(actor=request.user, now=timezone.now(), **form.registration())
            return redirect("workloads:model-detail", model.id)
    return render(request, "workloads/model_add.html", {"form": form})


def model(request: HttpRequest, model_id: UUID) -> HttpResponse:
    shown = model_get(request.user, model_id)
    form = ModelDescribeForm(model=shown) if shown.state == CheckState.UNDESCRIBED else None
    return _model_page(request, shown, form)


def model_describe(request: HttpRequest, model_id: UUID) -> HttpResponse:
    """What a person says of a recognised upload. Its form is part of the model's page."""
    shown = model_get(request.user, model_id)
    if request.method != "POST" or shown.state != CheckState.UNDESCRIBED:
        return redirect("workloads:model-detail", model_id)
    form = ModelDescribeForm(request.POST, model=shown)
    if form.is_valid():
        with form_errors(form):
            services.model_describe(actor=request.user, model=shown, now=timezone.now(), **form.description())
            return redirect("workloads:model-detail", model_id)
    return _model_page(request, shown, form)


def _model_page(request: HttpRequest, shown: Model, form: ModelDescribeForm | None) -> HttpResponse:
    others = models_beside(shown)
    counts = shared_by(shown.layers, [other.layers for other in others])
    layers = [
        {"name": layer["name"], "kind": layer["kind"], "value": layer["size_bytes"], "others": counts[layer["name"]]}
        for layer in shown.layers
        if layer["size_bytes"]
    ]
    context = {
        "model": shown,
        "form": form,
        "layers": layers,
        "others": len(others),
        "shareable_bytes": sum(layer["value"] for layer in layers if layer["others"]),
        "queries": query_list(request.user).filter(model=shown),
        "states": CheckState,
    }
    return render(request, "workloads/model_detail.html", context)


def model_delete(request: HttpRequest, model_id: UUID) -> HttpResponse:
    shown = model_get(request.user, model_id)
    if request.method == "POST":
        with message_errors(request):
            services.model_delete(actor=request.user, model=shown, now=timezone.now())
            messages.success(request, gettext("Model %(shown)s is deleted.") % {"shown": shown})
            return redirect("workloads:model-list")
        return redirect("workloads:model-detail", model_id)
    return render(request, "workloads/model_delete.html", {"model": shown})


def query_add(request: HttpRequest) -> HttpResponse:
    if not camera_list(request.user).exists():
        return redirect("fleets:camera-add")
    initial = {name: request.GET[name] for name in ("camera", "model") if name in request.GET}
    form = QueryForm(request.POST or None, actor=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            query = services.query_create(actor=request.user, now=timezone.now(), **form.cleaned_data)
            return redirect("dashboard:query-detail", query.id)
    has_models = form.fields["model"].queryset.exists()
    is_of_new = "camera" in request.GET and form.chosen_camera is not None and not form.chosen_camera.queries.exists()
    return render(
        request, "workloads/query_add.html", {"form": form, "has_models": has_models, "is_of_new_camera": is_of_new}
    )


def query_objects(request: HttpRequest) -> HttpResponse:
    """The part of the query form that depends on the chosen model (htmx)."""
    form = QueryForm(actor=request.user, initial={"model": request.GET.get("model")})
    return render(request, "components/query_objects.html", {"form": form})


def query_zone(request: HttpRequest) -> HttpResponse:
    """The part of the query form that depends on the chosen camera, and on whether the model takes a zone (htmx)."""
    initial = {name: request.GET.get(name, "") for name in ("camera", "model", "zone")}
    return render(request, "components/query_zone.html", {"form": QueryForm(actor=request.user, initial=initial)})


def query_edit(request: HttpRequest, query_id: UUID) -> HttpResponse:
    query = query_get(request.user, query_id)
    form = QueryEditForm(request.POST or None, query=query)
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            services.query_update(actor=request.user, query=query, now=timezone.now(), **form.cleaned_data)
            messages.success(request, _followed(query))
            return redirect("dashboard:query-detail", query.id)
    return render(request, "workloads/query_edit.html", {"form": form, "query": query_get(request.user, query_id)})


def _followed(query: Query) -> str:
    box = query.camera.box
    told = gettext("Saved. %(box)s was told and follows now, without a new bundle.")
    away = gettext("Saved. %(box)s is not connected: it follows when it is back.")
    return (told if box.is_connected else away) % {"box": box}


def query_delete(request: HttpRequest, query_id: UUID) -> HttpResponse:
    query = query_get(request.user, query_id)
    if request.method == "POST":
        with message_errors(request):
            services.query_delete(actor=request.user, query=query, now=timezone.now())
            messages.success(request, gettext("Query %(query)s is deleted.") % {"query": query})
            return redirect("dashboard:query-list")
        return redirect("dashboard:query-detail", query_id)
    return render(request, "workloads/query_delete.html", {"query": query})


def datasets(request: HttpRequest) -> HttpResponse:
    fields = ("name", "camera__name", "camera__box__name", "camera__box__site__name")
    shown = shown_list(dataset_list(request.user), fields, request.GET)
    return render(request, "workloads/dataset_list.html", {"shown": shown})


def dataset(request: HttpRequest, dataset_id: UUID) -> HttpResponse:
    return render(request, "workloads/dataset_detail.html", {"dataset": dataset_get(request.user, dataset_id)})


def dataset_request(request: HttpRequest) -> HttpResponse:
    if not camera_list(request.user).exists():
        return redirect("fleets:camera-add")
    form = DatasetRequestForm(request.POST or None, actor=request.user, initial={"camera": request.GET.get("camera")})
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            made = services.dataset_request(actor=request.user, now=timezone.now(), **form.cleaned_data)
            return redirect("workloads:dataset-detail", made.id)
    return render(request, "workloads/dataset_request.html", {"form": form})


def dataset_upload(request: HttpRequest) -> HttpResponse:
    if not camera_list(request.user).exists():
        return redirect("fleets:camera-add")
    form = DatasetUploadForm(
        request.POST or None, request.FILES or None, actor=request.user, initial={"camera": request.GET.get("camera")}
    )
    if request.method == "POST" and form.is_valid():
        with form_errors(form):
            made = services.dataset_upload(actor=request.user, now=timezone.now(), **form.cleaned_data)
            return redirect("workloads:dataset-detail", made.id)
    return render(request, "workloads/dataset_upload.html", {"form": form})
