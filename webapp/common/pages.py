"""How pages tell people about expected failures: beside the form, as a message, or as a page of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from edge_runtime.protocol.errors import GemelError
from webapp.common.errors import as_expected


@contextmanager
def form_errors(form: BaseForm) -> Iterator[None]:
    """Puts a GemelError raised inside beside the field it names, so that the view shows the form again."""
    try:
        yield
    except GemelError as error:
        field = getattr(error, "field", "")
        form.add_error(field if field in form.fields else None, str(error))


@contextmanager
def message_errors(request: HttpRequest) -> Iterator[None]:
    """Shows a GemelError raised inside as a message on the next page."""
    try:
        yield
    except GemelError as error:
        messages.error(request, str(error))


class ErrorPageMiddleware:
    """What a page's view did not handle and a person can be told becomes a page with its sentence and its status."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        expected = as_expected(exception)
        if expected is None:
            return None
        status = getattr(expected, "status", 400)
        return render(request, "error.html", {"status": status, "sentence": str(expected)}, status=status)
