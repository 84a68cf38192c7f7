"""Reading models, data sets and queries of the sites that a person sees."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext

from webapp.common.errors import NotFound
from webapp.common.lists import counted
from webapp.fleets.models import Box, Camera
from webapp.fleets.selectors import seen_by
from webapp.workloads.models import CheckState, Dataset, DatasetState, Model, Query

_BULKY = ("tensors", "layers")  # megabytes of JSON that lists do not show
_SECRET = "camera__source"  # decrypted for each row, and shown on pages of cameras only


def model_list(actor: Any | None) -> QuerySet[Model]:
    """Models with their site and number of queries (`query_count`), without tensors and layers."""
    models = seen_by(actor, Model.objects.all(), "site").select_related("site")
    return models.annotate(query_count=counted(Model, "queries")).order_by("name").defer(*_BULKY)


def model_get(actor: Any | None, model_id: UUID) -> Model:
    """Raises NotFound."""
    models = seen_by(actor, Model.objects.all(), "site").select_related("site")
    return _first(models.filter(id=model_id), gettext("There is no such model."))


def models_beside(model: Model) -> list[Model]:
    """The other models of its site that can be used, with their layers."""
    found = Model.objects.filter(site_id=model.site_id, state=CheckState.READY).exclude(id=model.id)
    return list(found.defer("tensors"))


def query_list(actor: Any | None, box: Box | None = None, camera: Camera | None = None) -> QuerySet[Query]:
    """Queries with their camera, box, site and model, without the model's tensors and layers."""
    queries = seen_by(actor, Query.objects.all(), "camera__box__site")
    queries = queries if box is None else queries.filter(camera__box=box)
    queries = queries if camera is None else queries.filter(camera=camera)
    return queries.select_related("camera__box__site", "model").defer(_SECRET, *(f"model__{field}" for field in _BULKY))


def query_get(actor: Any | None, query_id: UUID) -> Query:
    """Raises NotFound."""
    return _first(query_list(actor).filter(id=query_id), gettext("There is no such query."))


def dataset_list(actor: Any | None, camera: Camera | None = None) -> QuerySet[Dataset]:
    datasets = seen_by(actor, Dataset.objects.all(), "camera__box__site")
    datasets = datasets if camera is None else datasets.filter(camera=camera)
    return datasets.select_related("camera__box__site").defer(_SECRET)


def dataset_get(actor: Any | None, dataset_id: UUID) -> Dataset:
    """Raises NotFound."""
    return _first(dataset_list(actor).filter(id=dataset_id), gettext("There is no such data set."))


def workload(box: Box) -> list[Query]:
    """All queries of the box in a fixed order, each with its camera and its whole model."""
    return list(Query.objects.filter(camera__box=box).select_related("camera", "model").order_by("created_at", "id"))


def ready_datasets(box: Box) -> list[Dataset]:
    """Ready data sets of the box's cameras, newest first."""
    return list(Dataset.objects.filter(camera__box=box, state=DatasetState.READY).order_by("-created_at"))


def datasets_collecting(box: Box) -> list[Dataset]:
    """What the box is asked to send frames for."""
    return list(Dataset.objects.filter(camera__box=box, state=DatasetState.COLLECTING).order_by("created_at"))


def _first(rows: QuerySet[Any], missing: str) -> Any:
    row = rows.first()
    if row is None:
        raise NotFound(missing)
    return row
