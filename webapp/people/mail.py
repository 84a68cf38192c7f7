"""Sending somebody their link by e-mail, where a mail server is configured (EMAIL_URL)."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail

from webapp.accounts.models import Person

logger = logging.getLogger(__name__)

_TEXT = """{inviter} invites you to Gemel Fleet at {server}.

Your user name is {username}. Choose your password here (the link works once, for seven days):

{link}
"""


def is_mail_configured() -> bool:
    return bool(settings.EMAIL_HOST_IS_SET)


def link_send(*, person: Person, inviter: Person, server: str, link: str) -> bool:
    """Whether the mail server took the message. False also where none is configured or the person has no address."""
    if not (is_mail_configured() and person.email):
        return False
    text = _TEXT.format(inviter=inviter, server=server, username=person.username, link=link)
    try:
        send_mail("Your access to Gemel Fleet", text, None, [person.email])
    except (SMTPException, OSError) as error:
        logger.warning("The link for %s could not be sent: %s", person.username, error)
        return False
    return True
