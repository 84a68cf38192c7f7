"""Long lists, page by page, narrowed down by words; both stand in the address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

PAGE_ROWS = 25  # with 50, a list of cameras was 15 screens long on a phone, and a browser worked twice as long on it
WORDS_MAX = 8
TEXT_MAX = 100


@dataclass(frozen=True)
class Kind:
    """Some of the rows: those that meet `condition`."""

    name: str
    words: Any
    condition: Q


@dataclass(frozen=True)
class Order:
    """A way to sort a list: by `figure()`, an expression over a row, which the row then has as `ranked`.

    None comes last. `said`: the figure as people read it, for a column of its own; None where the list shows it anyway.
    """

    name: str
    words: Any
    figure: Callable[[], Any]
    is_descending: bool = True
    said: Callable[[Any], Any] | None = None

    @property
    def has_column(self) -> bool:
        return self.said is not None

    @property
    def first(self) -> Any:
        ranked = F("ranked")
        return ranked.desc(nulls_last=True) if self.is_descending else ranked.asc(nulls_last=True)


@dataclass(frozen=True)
class ShownList:
    """`text`: what the list is narrowed down by, "" for nothing; `kind` and `order`: those chosen of `kinds` and
    `orders`."""

    page: Page[Any]
    text: str
    kinds: Sequence[Kind] = ()
    kind: Kind | None = None
    orders: Sequence[Order] = ()
    order: Order | None = None

    @property
    def query(self) -> str:
        """The query string that narrows it down and sorts it so, without the page."""
        asked = {
            "search": self.text,
            "only": self.kind.name if self.kind else "",
            "order": self.order.name if self.order else "",
        }
        return urlencode({name: value for name, value in asked.items() if value})

    @property
    def is_narrowed(self) -> bool:
        return bool(self.text or self.kind)

    @property
    def is_short(self) -> bool:
        """Whether there is nothing to search or to turn over."""
        return not self.text and not self.page.has_other_pages()

    @property
    def has_choices(self) -> bool:
        """Whether to sort it or to show some of it alone makes sense."""
        return bool(self.kinds or self.orders) and (self.page.paginator.count > 1 or self.kind is not None)


def counted(table: type[Model], related: str) -> Coalesce:
    """How many rows are behind `related` of each row: of a page's rows only, where a join would be grouped for all."""
    relation: Any = table._meta.get_field(related)
    rows = relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
    counts = rows.order_by().values(relation.field.name).annotate(count=Count("pk")).values("count")
    return Coalesce(Subquery(counts), 0)


def shown_list(
    rows: QuerySet[Any],
    fields: tuple[str, ...],
    parameters: Mapping[str, str],
    kinds: Sequence[Kind] = (),
    orders: Sequence[Order] = (),
) -> ShownList:
    """The page that `parameters` ask for, of the rows that have every word searched for in one of `fields`."""
    text = parameters.get("search", "").strip()[:TEXT_MAX]
    kind = next((one for one in kinds if one.name == parameters.get("only")), None)
    order = next((one for one in orders if one.name == parameters.get("order")), None)
    rows = found_by(rows, fields, text)
    if kind is not None:
        rows = rows.filter(kind.condition)
    if order is not None:
        otherwise = rows.query.order_by or rows.model._meta.ordering
        rows = rows.annotate(ranked=order.figure()).order_by(order.first, *otherwise)
    return ShownList(Paginator(rows, PAGE_ROWS).get_page(parameters.get("page")), text, kinds, kind, orders, order)


def found_by(rows: QuerySet[Any], fields: tuple[str, ...], text: str) -> QuerySet[Any]:
    """The rows that have every word of `text` in one of `fields`."""
    for word in text[:TEXT_MAX].split()[:WORDS_MAX]:
        anywhere = Q()
        for field in fields:
            anywhere |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(anywhere)
    return rows
