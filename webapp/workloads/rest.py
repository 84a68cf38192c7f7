"""REST API: models, data sets, queries."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.common.rest import NOTHING, Reference, Resource, entered
from webapp.common.rest_defaults import Json
from webapp.fleets.selectors import camera_get, site_get
from webapp.workloads import services
from webapp.workloads.models import Dataset, DatasetKind, Model, Query
from webapp.workloads.policies import CLASSES_MAX
from webapp.workloads.selectors import dataset_list, model_get, model_list, models_beside, query_list
from webapp.workloads.sharing import shared_by

INTEGER_MAX = 2**31 - 1
UPLOADED_KINDS = [(kind.value, kind.value) for kind in (DatasetKind.COCO, DatasetKind.IMAGEFOLDER)]


class FittingArchitectureAnswer(serializers.Serializer):
    """Sizes are [height, width]: `input_size` where the tensors tell it, else null; `usual_size` is a suggestion."""

    architecture = serializers.CharField()
    task = serializers.CharField()
    classes = serializers.IntegerField()
    input_size = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    usual_size = serializers.ListField(child=serializers.IntegerField(), allow_null=True)
    size_rule = serializers.CharField(allow_blank=True)


class RecognitionAnswer(serializers.Serializer):
    """Empty for an upload that was described whole."""

    tensors = serializers.IntegerField(required=False)
    size_bytes = serializers.IntegerField(required=False)
    candidates = FittingArchitectureAnswer(many=True, required=False)


class ModelAnswer(serializers.ModelSerializer):
    """`problem` says why an upload was rejected, or what of its description does not fit it. `recognition` is what its
    tensors told where it was uploaded without saying it all: in the state "undescribed" it waits for the rest."""

    recognition = RecognitionAnswer(read_only=True)
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = Model
        fields = ("id", "site", "name", "architecture", "task", "classes", "input_height", "input_width", "state")
        fields += ("problem", "recognition", "size_bytes", "created_at")


class LayerAnswer(serializers.Serializer):
    """`others`: how many other models of the site have a layer that could be the same one."""

    name = serializers.CharField()
    kind = serializers.CharField()
    size_bytes = serializers.IntegerField()
    others = serializers.IntegerField()


class ModelEntry(serializers.Serializer):
    """`weights`: safetensors of the state dict, at most 2 GiB. A worker checks it, and `state` tells.

    What is left out of architecture, classes and input size is recognised where the tensors tell it. Where they do not,
    `state` becomes "undescribed", and describe/ takes the rest.
    """

    site = Reference(site_get)
    name = serializers.CharField(max_length=100)
    architecture = serializers.CharField(max_length=80, required=False)
    classes = serializers.ListField(child=serializers.CharField(max_length=100), max_length=CLASSES_MAX, required=False)
    input_height = serializers.IntegerField(max_value=INTEGER_MAX, min_value=1, required=False)
    input_width = serializers.IntegerField(max_value=INTEGER_MAX, min_value=1, required=False)
    weights = serializers.FileField()


class ModelDescription(serializers.Serializer):
    """What the tensors told may be left out."""

    architecture = serializers.CharField(max_length=80, required=False)
    classes = serializers.ListField(child=serializers.CharField(max_length=100), max_length=CLASSES_MAX)
    input_height = serializers.IntegerField(max_value=INTEGER_MAX, min_value=1, required=False)
    input_width = serializers.IntegerField(max_value=INTEGER_MAX, min_value=1, required=False)


def _with_input_size(wanted: dict[str, Any]) -> dict[str, Any]:
    """One side alone is as wrong as a side of 0."""
    sides = [wanted.pop(name, None) for name in ("input_height", "input_width")]
    return wanted | {"input_size": tuple(side or 0 for side in sides) if any(sides) else None}


class Models(Resource):
    queryset = Model.objects.none()
    serializer_class = ModelAnswer
    id_filters = {"site": "site_id"}
    parser_classes = [MultiPartParser]

    def rows(self, actor: Any) -> QuerySet[Model]:
        return model_list(actor)

    @extend_schema(request={"multipart/form-data": ModelEntry}, responses={201: ModelAnswer})
    def create(self, request: Request) -> Response:
        wanted = _with_input_size(entered(ModelEntry, request))
        model = services.model_register(actor=request.user, now=timezone.now(), **wanted)
        return Response(ModelAnswer(model).data, status=201)

    @extend_schema(request=ModelDescription, responses=ModelAnswer)
    @action(detail=True, methods=["post"], parser_classes=[Json])
    def describe(self, request: Request, pk: UUID) -> Response:
        """Says of a recognised upload what its tensors do not tell. The check comes next."""
        wanted = _with_input_size(entered(ModelDescription, request))
        services.model_describe(actor=request.user, model=self.get_object(), now=timezone.now(), **wanted)
        return Response(ModelAnswer(self.get_object()).data)

    @extend_schema(responses=LayerAnswer(many=True))
    @action(detail=True, pagination_class=None)
    def layers(self, request: Request, pk: UUID) -> Response:
        """Its layers with weights, in the network's order."""
        model = self.get_object()
        others = shared_by(model.layers, [other.layers for other in models_beside(model)])
        layers = [layer | {"others": others[layer["name"]]} for layer in model.layers if layer["size_bytes"]]
        return Response(LayerAnswer(layers, many=True).data)

    @NOTHING
    def destroy(self, request: Request, pk: UUID) -> Response:
        services.model_delete(actor=request.user, model=self.get_object(), now=timezone.now())
        return Response(status=204)


class DatasetAnswer(serializers.ModelSerializer):
    class Meta:
        model = Dataset
        fields = ("id", "camera", "name", "kind", "state", "problem", "frames_wanted", "span_s", "frame_count")
        fields += ("labelled_count", "created_at")


class DatasetRequestEntry(serializers.Serializer):
    """Frames that the camera's box should send: `frames` of them, spread over `span_s` seconds."""

    camera = Reference(camera_get)
    name = serializers.CharField(max_length=100)
    frames = serializers.IntegerField(max_value=INTEGER_MAX, min_value=1)
    span_s = serializers.FloatField(min_value=0)


class DatasetUploadEntry(serializers.Serializer):
    camera = Reference(camera_get)
    name = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(UPLOADED_KINDS)
    archive = serializers.FileField()


class Datasets(Resource):
    queryset = Dataset.objects.none()
    serializer_class = DatasetAnswer
    id_filters = {"site": "camera__box__site_id", "camera": "camera_id"}

    def rows(self, actor: Any) -> QuerySet[Dataset]:
        return dataset_list(actor)

    @extend_schema(request=DatasetRequestEntry, responses={201: DatasetAnswer})
    def create(self, request: Request) -> Response:
        wanted = entered(DatasetRequestEntry, request)
        dataset = services.dataset_request(actor=request.user, now=timezone.now(), **wanted)
        return Response(DatasetAnswer(dataset).data, status=201)

    @extend_schema(request={"multipart/form-data": DatasetUploadEntry}, responses={201: DatasetAnswer})
    @action(detail=False, methods=["post"], parser_classes=[MultiPartParser])
    def upload(self, request: Request) -> Response:
        """A labelled zip archive, at most 2 GiB, which a worker checks next."""
        wanted = entered(DatasetUploadEntry, request)
        dataset = services.dataset_upload(actor=request.user, now=timezone.now(), **wanted)
        return Response(DatasetAnswer(dataset).data, status=201)

    @NOTHING
    def destroy(self, request: Request, pk: UUID) -> Response:
        services.dataset_delete(actor=request.user, dataset=self.get_object(), now=timezone.now())
        return Response(status=204)


class QueryAnswer(serializers.ModelSerializer):
    objects = serializers.ListField(child=serializers.CharField(), source="objects_wanted", read_only=True)

    class Meta:
        model = Query
        fields = (
            "id",
            "camera",
            "model",
            "name",
            "objects",
            "accuracy_target",
            "rate_fps",
            "deadline_ms",
            "priority",
            "zone",
            "created_at",
        )


class ZoneValue(serializers.ListField):
    """Corners [x, y] as fractions of the picture; empty for the whole picture. Of detection queries only."""

    child = serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2)


class QueryEntry(serializers.Serializer):
    """`priority`: how many frames of an ordinary query one of its frames counts as, when not all can be met."""

    camera = Reference(camera_get)
    model = Reference(model_get)
    name = serializers.CharField(max_length=100)
    objects = serializers.ListField(child=serializers.CharField(max_length=100), max_length=CLASSES_MAX)
    accuracy_target = serializers.FloatField(default=0.95)
    rate_fps = serializers.FloatField(default=5.0)
    deadline_ms = serializers.IntegerField(default=500, max_value=INTEGER_MAX, min_value=1)
    priority = serializers.FloatField(default=1.0)
    zone = ZoneValue(default=())


class QueryChange(serializers.Serializer):
    """What is left out stays. Camera and model cannot change: another model is another query."""

    name = serializers.CharField(max_length=100, required=False)
    objects = serializers.ListField(child=serializers.CharField(max_length=100), max_length=CLASSES_MAX, required=False)
    accuracy_target = serializers.FloatField(required=False)
    rate_fps = serializers.FloatField(required=False)
    deadline_ms = serializers.IntegerField(required=False, max_value=INTEGER_MAX, min_value=1)
    priority = serializers.FloatField(required=False)
    zone = ZoneValue(required=False)


class Queries(Resource):
    queryset = Query.objects.none()
    serializer_class = QueryAnswer
    id_filters = {"site": "camera__box__site_id", "box": "camera__box_id", "camera": "camera_id"}

    def rows(self, actor: Any) -> QuerySet[Query]:
        return query_list(actor)

    @extend_schema(request=QueryEntry, responses={201: QueryAnswer})
    def create(self, request: Request) -> Response:
        query = services.query_create(actor=request.user, now=timezone.now(), **entered(QueryEntry, request))
        return Response(QueryAnswer(query).data, status=201)

    @extend_schema(request=QueryChange, responses=QueryAnswer)
    def partial_update(self, request: Request, pk: UUID) -> Response:
        wanted = entered(QueryChange, request)
        query = services.query_update(actor=request.user, query=self.get_object(), now=timezone.now(), **wanted)
        return Response(QueryAnswer(query).data)

    @NOTHING
    def destroy(self, request: Request, pk: UUID) -> Response:
        services.query_delete(actor=request.user, query=self.get_object(), now=timezone.now())
        return Response(status=204)


routes = [("models", Models), ("data-sets", Datasets), ("queries", Queries)]
