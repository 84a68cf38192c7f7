"""The time that a page or an export shows, as its address says it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from django.utils.translation import gettext

from webapp.common.errors import InvalidInput

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SPAN_DEFAULT = "24h"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Span:
    """`name` stands in addresses, `words` on pages; counts are shown per `bucket`, looked up every `refresh_s`."""

    name: str
    words: str
    length: timedelta
    bucket: timedelta
    refresh_s: int

    @property
    def per(self) -> str:
        return gettext("minute") if self.bucket == MINUTE else gettext("hour")


SPANS = (
    Span("1h", "1 h", HOUR, MINUTE, 10),
    Span("24h", "24 h", 24 * HOUR, HOUR, 30),
    Span("7d", "7 d", 7 * 24 * HOUR, HOUR, 300),
)


@dataclass(frozen=True)
class Shown:
    """From `since` (included) to `until` (not included), whole buckets; `is_live`: the end moves with the clock."""

    span: Span
    since: datetime
    until: datetime
    is_live: bool

    @property
    def until_written(self) -> str:
        return _written(self.until)

    @property
    def address(self) -> str:
        """The query string that shows the same time again."""
        return urlencode({"span": self.span.name} | ({} if self.is_live else {"until": _written(self.until)}))

    @property
    def earlier(self) -> str:
        return urlencode({"span": self.span.name, "until": _written(self.since)})

    @property
    def later(self) -> str:
        """ "" where nothing later has been yet."""
        return (
            ""
            if self.is_live
            else urlencode({"span": self.span.name, "until": _written(self.until + self.span.length)})
        )


def shown_of(parameters: Mapping[str, str], now: datetime) -> Shown:
    """Of "span" (one of SPANS) and "until" (a time; without it, now). Raises InvalidInput."""
    name = parameters.get("span") or SPAN_DEFAULT
    span = next((span for span in SPANS if span.name == name), None)
    if span is None:
        raise InvalidInput(
            gettext("The time shown is one of %(choices)s, not %(name)s.")
            % {"choices": ", ".join(span.name for span in SPANS), "name": repr(name[:40])}
        )
    until = time_of(parameters, "until")
    is_live = until is None or until >= now
    end = _bucket_end(now if until is None or until >= now else until, span.bucket)
    return Shown(span, end - span.length, end, is_live)


def time_of(parameters: Mapping[str, str], name: str) -> datetime | None:
    """An ISO time, UTC where it names no zone; None where it is not given. Raises InvalidInput."""
    text = parameters.get(name)
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput(
            gettext('"%(name)s" is a time such as 2026-05-04T12:00Z, not %(text)s.')
            % {"name": name, "text": repr(text[:40])}
        ) from error


def _bucket_end(at: datetime, bucket: timedelta) -> datetime:
    """The end of the bucket that holds the moment before `at`."""
    return _EPOCH - (_EPOCH - at) // bucket * bucket


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
