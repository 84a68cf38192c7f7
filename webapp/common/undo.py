"""Messages that offer to take back what was just done, so that nobody is asked before each small thing."""

from django.contrib import messages
from django.http import HttpRequest
from django.template.loader import render_to_string


def success_undoable(request: HttpRequest, text: str, address: str, /, **entered: str) -> None:
    """Says `text` on the next page, with a button that posts `entered` to `address`, which undoes it.

    What undoes it is an ordinary action: it asks for the same rights and is in the audit log.
    """
    context = {"text": text, "address": address, "entered": entered}
    messages.success(request, render_to_string("components/undo.html", context, request))
