"""Messages about alerts: a row each, sent by a worker, tried again with growing pauses, given up after a day."""

import time
from collections import deque
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from edge_runtime.protocol.errors import GemelError
from webapp.alerts.channels import send
from webapp.alerts.models import Alert, Delivery, DeliveryKind, Receiver
from webapp.alerts.policies import retry_after
from webapp.alerts.selectors import silenced_now
from webapp.alerts.task_names import DELIVER
from webapp.celery import celery_app
from webapp.workloads.task_names import LIGHT_QUEUE

CLAIM = timedelta(minutes=1)
BATCH = 50
SEND_FOR_S = 5.0


def deliveries_create(*, alert: Alert, kind: DeliveryKind, now: datetime) -> None:
    """Everybody whom the alert concerns, unless it is silenced. Who was not told that it opened hears no end of it."""
    receivers = Receiver.objects.all() if alert.site_id is None else Receiver.objects.filter(site_id=alert.site_id)
    if kind == DeliveryKind.CLOSED:
        receivers = receivers.filter(deliveries__alert=alert, deliveries__kind=DeliveryKind.OPENED)
    elif silenced_now(alert, now):
        return
    rows = [Delivery(receiver=receiver, alert=alert, kind=kind, next_at=now, created_at=now) for receiver in receivers]
    Delivery.objects.bulk_create(rows)
    if rows:
        deliver_soon()


def deliver_soon() -> None:
    """Beat would send it anyway, a few seconds later."""
    transaction.on_commit(lambda: celery_app.send_task(DELIVER, queue=LIGHT_QUEUE))


def deliveries_send(
    *, now: datetime, send: Callable[[Delivery, datetime], None] = send, clock: Callable[[], float] = time.monotonic
) -> int:
    """Sends what is due, beginning within SEND_FOR_S: a worker has other jobs. Returns how many messages arrived.

    To whom a message has just failed nothing else is sent: it waits as long as that message.
    """
    claimed, until = deque(_claimed(now)), clock() + SEND_FOR_S
    arrived, put_off = 0, dict[UUID, datetime]()
    while claimed and clock() < until:
        delivery = claimed.popleft()
        if delivery.receiver_id in put_off:
            _leave([delivery], put_off[delivery.receiver_id])
        elif _send(delivery, now, send):
            arrived += 1
        else:
            put_off[delivery.receiver_id] = delivery.next_at or now + CLAIM
    _leave(claimed, now)
    return arrived


def _leave(deliveries: Collection[Delivery], until: datetime) -> None:
    Delivery.objects.filter(id__in=[delivery.id for delivery in deliveries]).update(next_at=until)


@transaction.atomic
def _claimed(now: datetime) -> list[Delivery]:
    """What this process sends next: no other does so for a while, and what it does not finish comes again."""
    due = Delivery.objects.select_for_update(of=("self",), skip_locked=True).filter(next_at__lte=now)
    claimed = list(due.select_related("receiver", "alert__site").order_by("next_at")[:BATCH])
    Delivery.objects.filter(id__in=[delivery.id for delivery in claimed]).update(next_at=now + CLAIM)
    return claimed


def _send(delivery: Delivery, now: datetime, send: Callable[[Delivery, datetime], None]) -> bool:
    delivery.attempts += 1
    try:
        send(delivery, now)
    except GemelError as error:
        pause = retry_after(delivery.attempts)
        delivery.problem, delivery.next_at = str(error)[:300], None if pause is None else now + pause
    else:
        delivery.problem, delivery.next_at, delivery.sent_at = "", None, now
    delivery.save(update_fields=["attempts", "problem", "next_at", "sent_at"])
    return delivery.sent_at is not None
