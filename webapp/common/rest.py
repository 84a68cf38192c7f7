"""What the views of the REST API under /api/v1/ are made of.

A view reads its input with a serializer, makes one call to a service or selector, and writes the answer. Rights are the
services' business.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Model, QuerySet
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import mixins, serializers, views, viewsets
from rest_framework.request import Request

from webapp.common.errors import NotFound

JPEG = {(200, "image/jpeg"): OpenApiTypes.BINARY}
NOTHING = extend_schema(request=None, responses={204: None})


class Reference(serializers.UUIDField):
    """The id of something that the actor sees; becomes the thing itself. `get(actor, id)` raises NotFound."""

    def __init__(self, get: Callable[[Any, UUID], Model], **options: Any) -> None:
        super().__init__(**options)
        self.get = get

    def to_internal_value(self, data: Any) -> Any:
        try:
            return self.get(self.context["request"].user, super().to_internal_value(data))
        except NotFound as error:
            raise serializers.ValidationError(str(error)) from error


class Rows(viewsets.GenericViewSet):
    """A collection whose rows `rows(actor)` selects: all that the actor sees and nothing else."""

    lookup_value_converter = "uuid"
    id_filters: Mapping[str, str] = {}

    def rows(self, actor: Any) -> QuerySet[Any]:
        raise NotImplementedError

    def get_queryset(self) -> QuerySet[Any]:
        if getattr(self, "swagger_fake_view", False):  # nobody is signed in while the schema is written
            return self.queryset
        return self.rows(self.request.user)


class Listed(mixins.ListModelMixin, Rows):
    pass


class Resource(mixins.RetrieveModelMixin, Listed):
    pass


def entered(serializer: type[serializers.Serializer], request: Request, *, query: bool = False) -> dict[str, Any]:
    """The checked body of the request, or its query parameters."""
    read = serializer(data=request.query_params if query else request.data, context={"request": request})
    read.is_valid(raise_exception=True)
    return dict(read.validated_data)


class NoSuchAddress(views.APIView):
    """Whatever no other address takes: a refusal that programs can read, instead of a page."""

    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        raise NotFound("There is nothing at this address: /api/v1/schema/ lists what there is.")
