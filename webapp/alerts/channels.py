"""Sending a message: by Django's mail, or by an HTTP POST to where was checked just before."""

from datetime import datetime
from smtplib import SMTPException

import httpx
from django.conf import settings
from django.core.mail import send_mail

from edge_runtime.protocol.errors import GemelError
from webapp.alerts.messages import payload_of, signed_headers, subject_line, text_of
from webapp.alerts.models import Channel, Delivery
from webapp.alerts.policies import webhook_address, webhook_parts

TIMEOUT_S = 3.0  # to connect, to send and to be answered, each: while one hangs a worker's thread does nothing else


class NotSent(GemelError):
    code = "message_not_sent"


def send(delivery: Delivery, now: datetime) -> None:
    """Raises NotSent with one sentence."""
    if delivery.receiver.channel == Channel.EMAIL:
        _mail(delivery)
    else:
        _post(delivery, now)


def _mail(delivery: Delivery) -> None:
    if not settings.EMAIL_HOST_IS_SET:
        raise NotSent("No mail server is configured (EMAIL_URL).")
    subject, text = subject_line(delivery.kind, delivery.alert), text_of(delivery.kind, delivery.alert)
    try:
        send_mail(subject, text, None, [delivery.receiver.address])
    except (SMTPException, OSError) as error:
        raise NotSent(f"The mail server did not take the message: {error}"[:300]) from error


def _post(delivery: Delivery, now: datetime) -> None:
    """Redirects are not followed, and nothing of the answer but its status is looked at or kept."""
    receiver = delivery.receiver
    parts = webhook_parts(receiver.address)
    address = webhook_address(parts)
    host = parts.netloc
    pinned = httpx.URL(receiver.address).copy_with(host=address)
    body = payload_of(delivery.kind, delivery.alert)
    headers = {**signed_headers(delivery.id, now, body, receiver.secret), "host": host}
    try:
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
            request = client.build_request(
                "POST", pinned, content=body, headers=headers, extensions={"sni_hostname": parts.hostname}
            )
            answer = client.send(request, stream=True)
            answer.close()
    except httpx.HTTPError as error:
        raise NotSent(f"The webhook did not answer: {type(error).__name__}.") from error
    if not answer.is_success:
        raise NotSent(f"The webhook answered with status {answer.status_code}.")
