import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from uuid import UUID

import pytest

from webapp.alerts.messages import payload_of, secret_new, signed_headers, subject_line
from webapp.alerts.models import Alert, AlertKind, Channel, DeliveryKind, Receiver
from webapp.alerts.policies import RETRY_S, checked_address, retry_after, webhook_address, webhook_parts
from webapp.common.errors import InvalidInput

AT = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def test_a_signature_is_the_one_of_the_standard():
    """Worked out here from the words of standardwebhooks.com: base64 key, id.timestamp.body, HMAC-SHA256."""
    message, body, secret = UUID(int=7), b'{"type":"alert.test"}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    headers = signed_headers(message, AT, body, secret)
    signed = f"{message}.{int(AT.timestamp())}.".encode() + body
    expected = hmac.digest(base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), signed, hashlib.sha256)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(expected).decode()
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == (str(message), str(int(AT.timestamp())))


def test_secrets_differ():
    assert secret_new() != secret_new()


def test_a_subject_line_has_one_line():
    alert = Alert(kind=AlertKind.BOX_OFFLINE, subject_name="north\ngate")
    assert subject_line(DeliveryKind.CLOSED, alert) == "Gemel Fleet: Over: north gate: box offline"


def test_a_test_message_is_of_no_alert():
    assert json.loads(payload_of(DeliveryKind.TEST, None)) == {"type": "alert.test"}


@pytest.mark.parametrize(
    "address",
    [
        "ftp://example.org/x",
        "https://",
        "https://user:secret@example.org/",
        "https://exa mple.org/",
        "javascript:alert(1)",
        "http://[::1",
    ],
)
def test_refuses_what_is_no_webhook(address):
    with pytest.raises(InvalidInput):
        webhook_parts(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "[fe80::1]"]
)
def test_no_webhook_goes_to_this_machine_or_to_metadata(host):
    with pytest.raises(InvalidInput, match="no webhook may go"):
        webhook_address(webhook_parts(f"http://{host}:8080/hook"))


def test_a_webhook_may_go_into_the_own_network():
    assert webhook_address(webhook_parts("http://10.1.2.3/hook")) == "10.1.2.3"


def test_an_e_mail_address_is_checked():
    assert checked_address(Channel.EMAIL, " ada@example.org ") == "ada@example.org"
    with pytest.raises(InvalidInput):
        checked_address(Channel.EMAIL, "ada@")


def test_pauses_grow_and_end():
    pauses = [retry_after(attempts) for attempts in range(1, len(RETRY_S) + 1)]
    assert pauses == sorted(pauses)
    assert retry_after(len(RETRY_S) + 1) is None


def test_a_secret_in_an_address_is_not_shown():
    receiver = Receiver(channel=Channel.WEBHOOK, address="https://chat.example.org/hooks/T0/verysecret")
    assert str(receiver) == "https://chat.example.org/hook…"
