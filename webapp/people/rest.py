"""REST API: people, sites, and roles."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.accounts.models import Person
from webapp.common.rest import NOTHING, Reference, Resource, entered
from webapp.fleets.models import Role, Site, SiteMembership
from webapp.fleets.selectors import memberships_of, site_get, site_list
from webapp.fleets.services import membership_remove, membership_set, site_create, site_update
from webapp.people import services
from webapp.people.policies import require_administrator
from webapp.people.selectors import person_get, person_list


class RoleAnswer(serializers.ModelSerializer):
    class Meta:
        model = SiteMembership
        fields = ("site", "person", "role")


class PersonAnswer(serializers.ModelSerializer):
    full_name = serializers.CharField(source="get_full_name", read_only=True)
    administers_everything = serializers.BooleanField(source="is_superuser", read_only=True)
    roles = RoleAnswer(many=True, read_only=True)

    class Meta:
        model = Person
        fields = ("id", "username", "full_name", "email", "is_active", "administers_everything", "last_login", "roles")


class PersonEntry(serializers.Serializer):
    username = serializers.CharField(max_length=150)
    full_name = serializers.CharField(max_length=100, default="", allow_blank=True)
    email = serializers.EmailField(default="", allow_blank=True)
    site = Reference(site_get)
    role = serializers.ChoiceField(Role.choices)


class LinkAnswer(serializers.Serializer):
    """`link`: where the person chooses a password; it works once."""

    person = serializers.UUIDField()
    link = serializers.URLField()


class ActiveEntry(serializers.Serializer):
    is_active = serializers.BooleanField()


class SuperuserEntry(serializers.Serializer):
    administers_everything = serializers.BooleanField()


class People(Resource):
    queryset = Person.objects.none()
    serializer_class = PersonAnswer

    def rows(self, actor: Any) -> QuerySet[Person]:
        require_administrator(actor)
        return person_list(actor)

    @extend_schema(request=PersonEntry, responses={201: LinkAnswer})
    def create(self, request: Request) -> Response:
        wanted = entered(PersonEntry, request)
        person, secret = services.person_invite(
            actor=request.user, **wanted | {"role": Role(wanted["role"])}, now=timezone.now()
        )
        return _link(request, person, secret, 201)

    @extend_schema(request=None, responses=LinkAnswer)
    @action(detail=True, methods=["post"])
    def link(self, request: Request, pk: UUID) -> Response:
        person = self.get_object()
        secret = services.link_create(actor=request.user, person=person, now=timezone.now())
        return _link(request, person, secret, 200)

    @extend_schema(request=ActiveEntry, responses={204: None})
    @action(detail=True, methods=["put"])
    def active(self, request: Request, pk: UUID) -> Response:
        person = self.get_object()
        services.person_active_set(
            actor=request.user, person=person, now=timezone.now(), **entered(ActiveEntry, request)
        )
        return Response(status=204)

    @extend_schema(request=SuperuserEntry, responses={204: None})
    @action(detail=True, methods=["put"])
    def superuser(self, request: Request, pk: UUID) -> Response:
        is_superuser = entered(SuperuserEntry, request)["administers_everything"]
        services.person_superuser_set(
            actor=request.user, person=self.get_object(), is_superuser=is_superuser, now=timezone.now()
        )
        return Response(status=204)

    @NOTHING
    @action(detail=True, methods=["delete"], url_path="second-factor")
    def second_factor(self, request: Request, pk: UUID) -> Response:
        services.second_factor_remove(actor=request.user, person=self.get_object(), now=timezone.now())
        return Response(status=204)

    @extend_schema(responses=PersonAnswer)
    @action(detail=False, pagination_class=None)
    def me(self, request: Request) -> Response:
        """Whoever is signed in, with all of their roles."""
        person = request.user
        person.roles = person.site_memberships.order_by("site__name")
        return Response(PersonAnswer(person).data)


class SiteAnswer(serializers.ModelSerializer):
    class Meta:
        model = Site
        fields = ("id", "name", "requester_may_approve", "created_at")


class SiteEntry(serializers.Serializer):
    name = serializers.CharField(max_length=100)


class SiteChange(serializers.Serializer):
    name = serializers.CharField(max_length=100)
    requester_may_approve = serializers.BooleanField()


class RoleEntry(serializers.Serializer):
    person = Reference(person_get)
    role = serializers.ChoiceField(Role.choices)


class Sites(Resource):
    queryset = Site.objects.none()
    serializer_class = SiteAnswer

    def rows(self, actor: Any) -> QuerySet[Site]:
        return site_list(actor)

    @extend_schema(request=SiteEntry, responses={201: SiteAnswer})
    def create(self, request: Request) -> Response:
        site = site_create(actor=request.user, now=timezone.now(), **entered(SiteEntry, request))
        return Response(SiteAnswer(site).data, status=201)

    @extend_schema(request=SiteChange, responses=SiteAnswer)
    def update(self, request: Request, pk: UUID) -> Response:
        wanted = entered(SiteChange, request)
        site = site_update(actor=request.user, site=self.get_object(), now=timezone.now(), **wanted)
        return Response(SiteAnswer(site).data)

    @extend_schema(responses=RoleAnswer(many=True))
    @action(detail=True, pagination_class=None)
    def members(self, request: Request, pk: UUID) -> Response:
        return Response(RoleAnswer(memberships_of(self.get_object()), many=True).data)

    @extend_schema(request=RoleEntry, responses=RoleAnswer)
    @members.mapping.post
    def member_set(self, request: Request, pk: UUID) -> Response:
        """Gives a person a role in this site, in place of any earlier one."""
        wanted = entered(RoleEntry, request)
        membership = membership_set(
            actor=request.user,
            site=self.get_object(),
            person=wanted["person"],
            role=Role(wanted["role"]),
            now=timezone.now(),
        )
        return Response(RoleAnswer(membership).data)

    @NOTHING
    @action(detail=True, methods=["delete"], url_path="members/<uuid:person_id>")
    def member_remove(self, request: Request, pk: UUID, person_id: UUID) -> Response:
        site, person = self.get_object(), person_get(request.user, person_id)
        membership_remove(actor=request.user, site=site, person=person, now=timezone.now())
        return Response(status=204)


def _link(request: Request, person: Person, secret: str, status: int) -> Response:
    link = request.build_absolute_uri(reverse("accounts:invitation", args=[secret]))
    return Response({"person": str(person.pk), "link": link}, status=status)


routes = [("people", People), ("sites", Sites)]
