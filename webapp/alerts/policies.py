"""Rules about silences and about where messages may go. Pure, but for `webhook_host`'s look at the name server."""

import ipaddress
import re
import socket
from datetime import timedelta
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext, gettext_lazy

from webapp.alerts.models import Channel
from webapp.common.errors import InvalidInput

SILENCE_MAX = timedelta(days=30)
SILENCES = (
    (timedelta(minutes=30), gettext_lazy("30 minutes")),
    (timedelta(hours=2), gettext_lazy("2 hours")),
    (timedelta(hours=8), gettext_lazy("8 hours")),
    (timedelta(days=1), gettext_lazy("a day")),
    (timedelta(days=7), gettext_lazy("a week")),
)
ADDRESS_MAX = 500
RETRY_S = (15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600)


def check_duration(duration: timedelta) -> None:
    """Raises InvalidInput."""
    if not timedelta(minutes=1) <= duration <= SILENCE_MAX:
        raise InvalidInput(gettext("A silence lasts between one minute and 30 days."), field="minutes")


def retry_after(attempts: int) -> timedelta | None:
    """When to try again after so many failed attempts; None: never."""
    return timedelta(seconds=RETRY_S[attempts - 1]) if attempts <= len(RETRY_S) else None


def checked_address(channel: str, address: str) -> str:
    """Raises InvalidInput for what is no e-mail address, or no address that a webhook may have."""
    address = address.strip()
    if len(address) > ADDRESS_MAX:
        raise InvalidInput(
            gettext("An address has at most %(address_max)s characters.") % {"address_max": ADDRESS_MAX},
            field="address",
        )
    if channel == Channel.EMAIL:
        try:
            validate_email(address)
        except ValidationError as error:
            raise InvalidInput(gettext("This is no e-mail address."), field="address") from error
    else:
        webhook_address(webhook_parts(address))
    return address


def webhook_parts(address: str) -> SplitResult:
    """Raises InvalidInput."""
    try:
        parts = urlsplit(address)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable or re.search(r"[\s\x00-\x1f]", address):
        raise InvalidInput(gettext("A webhook's address starts with https:// or http:// and a host."), field="address")
    if parts.username or parts.password:
        raise InvalidInput(
            gettext("Leave user name and password out of the address: messages are signed instead."), field="address"
        )
    return parts


def webhook_address(parts: SplitResult) -> str:
    """The IP address to connect to. Whoever connects to it, and not to the name again, goes where was checked.

    Raises InvalidInput for a name that leads nowhere, or to a place where no webhook may go.
    """
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise InvalidInput(
            gettext("The name %(hostname)s leads to no address.") % {"hostname": parts.hostname}, field="address"
        ) from error
    refused = [ipaddress.ip_network(network) for network in settings.WEBHOOKS_REFUSED]
    addresses = [str(entry[4][0]).partition("%")[0] for entry in found]
    for address in addresses:
        if any(_plain(address) in network for network in refused):
            raise InvalidInput(
                gettext("%(hostname)s is this server itself or a reserved address, where no webhook may go.")
                % {"hostname": parts.hostname},
                field="address",
            )
    return addresses[0]


def _plain(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """An IPv4 address that is written as an IPv6 one counts as what it is."""
    parsed = ipaddress.ip_address(address)
    return getattr(parsed, "ipv4_mapped", None) or parsed
