"""Defaults of the REST API, as the settings name them: pages, filters by id, the form of errors, the OpenAPI document.

Errors are {"code", "message", "fields"}; `fields` says what is wrong with which part of the input. Nothing here may
import rest_framework's generic views, which import this.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import exceptions
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from webapp.common.errors import InvalidInput, as_expected

_CODES: dict[type[Exception], str] = {
    exceptions.ParseError: "invalid_input",
    exceptions.NotAuthenticated: "not_signed_in",
    exceptions.AuthenticationFailed: "not_signed_in",
    exceptions.PermissionDenied: "not_allowed",
    exceptions.NotFound: "not_found",
}


class Json(JSONParser):
    """Refuses values within values within values, at which Python's reader gives up in a way of its own."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError("JSON parse error: too many values within values.") from error


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


class IdFilter(BaseFilterBackend):
    """`?box=ID`: the view's `id_filters` name the parameters and the fields that they are compared with."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: Any) -> QuerySet[Any]:
        wanted = {
            field: _id(name, request.query_params[name])
            for name, field in getattr(view, "id_filters", {}).items()
            if request.query_params.get(name)
        }
        return queryset.filter(**wanted)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        schema = {"type": "string", "format": "uuid"}
        return [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name in getattr(view, "id_filters", {})
        ]


def answer_error(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Every refusal as {"code", "message", "fields"}."""
    expected = as_expected(error)
    if expected is not None:
        field = getattr(expected, "field", "")
        fields = {field: [str(expected)]} if field else {}
        return Response(_error(expected.code, str(expected), fields), status=getattr(expected, "status", 400))
    response = exception_handler(error, dict(context))
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        fields = error.detail if isinstance(error.detail, dict) else {"": error.detail}
        response.data = _error("invalid_input", "What was sent cannot be used; `fields` says why.", fields)
    else:
        detail = response.data.get("detail", "") if isinstance(response.data, dict) else ""
        code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), f"http_{response.status_code}")
        response.data = _error(code, str(detail), {})
    return response


def document_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds the form of refusals to every operation of the OpenAPI document."""
    text = {"type": "string"}
    properties = {"code": text, "message": text, "fields": {"type": "object", "additionalProperties": {}}}
    result["components"]["schemas"]["Error"] = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }
    refusal = {
        "description": "Refused; nothing was changed.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"]["4XX"] = refusal
    return result


def only_rest(endpoints: list[Any]) -> list[Any]:
    """The document is of /api/v1/, not of what boxes call."""
    return [endpoint for endpoint in endpoints if endpoint[0].startswith("/api/v1/")]


def _error(code: str, message: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    return {"code": code, "message": message, "fields": fields}


def _id(name: str, text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidInput(f'"{text[:40]}" is no id.', field=name) from error
