"""Who is told of a site's alerts. Administrators decide: a webhook makes the server call an address."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext

from webapp.alerts.messages import secret_new
from webapp.alerts.models import Channel, Delivery, DeliveryKind, Receiver
from webapp.alerts.policies import checked_address
from webapp.alerts.services.deliveries import deliver_soon
from webapp.audit.services import audit_record
from webapp.common.errors import Conflict, InvalidInput
from webapp.fleets.models import Role, Site
from webapp.fleets.policies import require_role

RECEIVERS_MAX = 20


@transaction.atomic
def receiver_create(*, actor: Any | None, site: Site, channel: str, address: str, now: datetime) -> Receiver:
    """A webhook's `secret` is for its program to know our messages by: show it once."""
    require_role(actor, site, Role.ADMINISTRATOR)
    if channel not in Channel:
        raise InvalidInput(gettext("A receiver is told by e-mail or by a webhook."), field="channel")
    Site.objects.select_for_update().get(id=site.id)
    others = list(site.alert_receivers.all())
    address = checked_address(channel, address)
    if any((other.channel, other.address) == (channel, address) for other in others):
        raise Conflict(gettext("This receiver is told already."))
    if len(others) >= RECEIVERS_MAX:
        raise Conflict(gettext("A site has at most %(receivers_max)s receivers.") % {"receivers_max": RECEIVERS_MAX})
    secret = secret_new() if channel == Channel.WEBHOOK else ""
    receiver = Receiver.objects.create(site=site, channel=channel, address=address, secret=secret, created_at=now)
    _audit(actor, receiver, "receiver.create", now)
    return receiver


@transaction.atomic
def receiver_delete(*, actor: Any | None, receiver: Receiver, now: datetime) -> None:
    require_role(actor, receiver.site, Role.ADMINISTRATOR)
    _audit(actor, receiver, "receiver.delete", now)
    receiver.delete()


@transaction.atomic
def receiver_test(*, actor: Any | None, receiver: Receiver, now: datetime) -> Delivery:
    """A message that says it is a test; what became of it is the receiver's newest delivery."""
    require_role(actor, receiver.site, Role.ADMINISTRATOR)
    delivery = Delivery.objects.create(receiver=receiver, kind=DeliveryKind.TEST, next_at=now, created_at=now)
    _audit(actor, receiver, "receiver.test", now)
    deliver_soon()
    return delivery


def _audit(actor: Any | None, receiver: Receiver, action: str, now: datetime) -> None:
    detail = {"channel": receiver.channel}
    audit_record(actor=actor, action=action, subject=receiver, site_id=receiver.site_id, now=now, detail=detail)
