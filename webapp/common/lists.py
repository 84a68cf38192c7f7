"""Long lists, page by page, narrowed down by words; both stand in the address."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

PAGE_ROWS = 50
WORDS_MAX = 8
TEXT_MAX = 100


@dataclass(frozen=True)
class ShownList:
    """`text`: what the list is narrowed down by, "" for nothing."""

    page: Page[Any]
    text: str

    @property
    def query(self) -> str:
        """The query string that narrows it down so, without the page."""
        return urlencode({"search": self.text}) if self.text else ""

    @property
    def is_short(self) -> bool:
        """Whether there is nothing to search or to turn over."""
        return not self.text and not self.page.has_other_pages()


def counted(table: type[Model], related: str) -> Coalesce:
    """How many rows are behind `related` of each row: of a page's rows only, where a join would be grouped for all."""
    relation: Any = table._meta.get_field(related)
    rows = relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
    counts = rows.order_by().values(relation.field.name).annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counts), 0)


def shown_list(rows: QuerySet[Any], fields: tuple[str, ...], parameters: Mapping[str, str]) -> ShownList:
    """The page that `parameters` ask for, of the rows that have every word searched for in one of `fields`."""
    text = parameters.get("search", "").strip()[:TEXT_MAX]
    return ShownList(Paginator(found_by(rows, fields, text), PAGE_ROWS).get_page(parameters.get("page")), text)


def found_by(rows: QuerySet[Any], fields: tuple[str, ...], text: str) -> QuerySet[Any]:
    """The rows that have every word of `text` in one of `fields`."""
    for word in text[:TEXT_MAX].split()[:WORDS_MAX]:
        anywhere = Q()
        for field in fields:
            anywhere |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(anywhere)
    return rows
