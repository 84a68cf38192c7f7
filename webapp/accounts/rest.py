"""REST API: one's own tokens. New ones are made on the page only, with the password at hand."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.authentication import TokenAuthentication
from webapp.accounts.models import ApiToken
from webapp.accounts.selectors import token_list
from webapp.accounts.services import token_revoke
from webapp.common.rest import NOTHING, Resource


class TokenScheme(OpenApiAuthenticationExtension):
    target_class = TokenAuthentication
    name = "apiToken"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}


class TokenAnswer(serializers.ModelSerializer):
    class Meta:
        model = ApiToken
        fields = ("id", "name", "hint", "is_read_only", "created_at", "expires_at", "last_used_at")


class Tokens(Resource):
    queryset = ApiToken.objects.none()
    serializer_class = TokenAnswer

    def rows(self, actor: Any) -> QuerySet[ApiToken]:
        return token_list(actor)

    @NOTHING
    def destroy(self, request: Request, pk: Any) -> Response:
        token_revoke(actor=request.user, token=self.get_object(), now=timezone.now())
        return Response(status=204)


routes = [("tokens", Tokens)]
