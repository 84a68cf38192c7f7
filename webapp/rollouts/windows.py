"""Maintenance windows: hours of the week in which boxes may be changed, by the clock of a place. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_lazy

DAYS = tuple(
    map(gettext_lazy, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"))
)  # Django's own catalogues have them
EVERY_DAY = frozenset(range(7))
_DAY = timedelta(days=1)
_LOOK_AHEAD_DAYS = 15  # a window on one weekday may fall into the hour that a change of the clocks leaves out


@dataclass(frozen=True)
class Window:
    """From `start` to `end` in `zone` (an IANA name), beginning on `days` (0 is Monday).

    An `end` that is not after `start` lies on the next day.
    """

    start: time
    end: time
    zone: str
    days: frozenset[int] = EVERY_DAY

    def is_open(self, now: datetime) -> bool:
        local = now.astimezone(ZoneInfo(self.zone))
        begun_today = local.weekday() in self.days and local.time() >= self.start
        if self.start < self.end:
            return begun_today and local.time() < self.end
        begun_yesterday = (local - _DAY).weekday() in self.days
        return begun_today or (begun_yesterday and local.time() < self.end)

    def opens_at(self, now: datetime) -> datetime | None:
        """When it next opens after `now`, in UTC."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        for days in range(_LOOK_AHEAD_DAYS):
            begin = datetime.combine(today + days * _DAY, self.start, ZoneInfo(self.zone)).astimezone(UTC)
            if begin > now and self.is_open(begin):
                return begin
        return None

    def __str__(self) -> str:
        every = self.days == EVERY_DAY
        days = gettext("every day") if every else ", ".join(str(DAYS[day]) for day in sorted(self.days))
        words = (
            gettext("%(start)s to %(end)s, %(days)s, %(zone)s")
            if self.start < self.end
            else gettext("%(start)s to %(end)s of the next day, %(days)s, %(zone)s")
        )
        return words % {"start": f"{self.start:%H:%M}", "end": f"{self.end:%H:%M}", "days": days, "zone": self.zone}
