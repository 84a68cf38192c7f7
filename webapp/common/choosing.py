"""A choice among rows that can be thousands: a few are offered, words typed beside them find the others.

The page that answers with the options that words find is the app's: `options` writes them.
"""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from webapp.common.lists import found_by

OFFERED = 50


class FewChoices(forms.models.ModelChoiceIterator):
    def __iter__(self) -> Any:
        yield from map(self.choice, self.field.offered())


class SearchedChoiceField(forms.ModelChoiceField):
    """As a ModelChoiceField, of which a page shows OFFERED rows at most, the chosen one among them.

    `address`: name of the page that answers with options; `hint`: what its words are looked for in.
    """

    iterator = FewChoices
    has_more = False

    def __init__(self, *, address: str, hint: str, **options: Any) -> None:
        super().__init__(queryset=None, empty_label=None, **options)
        self.address, self.hint = address, hint
        self.chosen: Any = None
        self._offered: list[Any] | None = None

    def offer(self, rows: QuerySet[Any], chosen_key: Any = None) -> None:
        """`rows`: all that can be chosen. A browser shows the first as chosen where none is."""
        self.queryset = rows
        offered = list(rows[: OFFERED + 1])
        self.has_more = len(offered) > OFFERED
        offered = offered[:OFFERED]
        self.chosen = next((row for row in offered if str(row.pk) == str(chosen_key)), None)
        if self.chosen is None and chosen_key:
            self.chosen = self._row(chosen_key)
            offered = [*([] if self.chosen is None else [self.chosen]), *offered]
        self._offered = offered

    def offered(self) -> list[Any]:
        return self._offered or []

    def _row(self, key: Any) -> Any:
        try:
            return self.to_python(key)
        except forms.ValidationError:
            return None


def options(request: HttpRequest, rows: QuerySet[Any], fields: tuple[str, ...], label: Any = str) -> HttpResponse:
    """The first OFFERED rows that have every word of "search" in one of `fields`."""
    found = found_by(rows, fields, request.GET.get("search", ""))[:OFFERED]
    return render(request, "components/options.html", {"options": [(row.pk, label(row)) for row in found]})
