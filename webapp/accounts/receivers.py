"""Changes of a person's second factor in the audit log. allauth makes them and tells by signals only."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from django.http import HttpRequest
from django.utils import timezone

from webapp.audit.services import audit_record
from webapp.common.origin import origin_of


def _record(verb: str, request: HttpRequest, user: Any, authenticator: Authenticator) -> None:
    kind = {"kind": str(Authenticator.Type(authenticator.type).label)}
    origin = origin_of(request)
    audit_record(
        actor=user, action=f"person.factor_{verb}", subject=user, now=timezone.now(), detail=kind, origin=origin
    )


def _added(sender: Any, request: HttpRequest, user: Any, authenticator: Authenticator, **_: Any) -> None:
    _record("add", request, user, authenticator)


def _removed(sender: Any, request: HttpRequest, user: Any, authenticator: Authenticator, **_: Any) -> None:
    _record("remove", request, user, authenticator)


def _reset(sender: Any, request: HttpRequest, user: Any, authenticator: Authenticator, **_: Any) -> None:
    _record("renew", request, user, authenticator)


def connect() -> None:
    authenticator_added.connect(_added, dispatch_uid="audit")
    authenticator_removed.connect(_removed, dispatch_uid="audit")
    authenticator_reset.connect(_reset, dispatch_uid="audit")
