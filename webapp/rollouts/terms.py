"""A rollout's terms: how large waves are, when one lets the next begin, when boxes may be changed. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from webapp.common.errors import InvalidInput
from webapp.rollouts.windows import Window

WAVES_MAX = 20


@dataclass(frozen=True)
class Terms:
    """`percentages`: which share of the boxes beside the canary each wave reaches.

    A wave lets the next one begin once `success_percent` of its boxes run the new bundle well; more than
    `error_percent` that failed pause the rollout. Together they are at most 100, so that failures which are tolerated
    never keep a wave from passing.
    """

    percentages: Sequence[int] = (10, 50, 100)
    success_percent: int = 100
    error_percent: int = 0
    window: Window | None = None

    def needed(self, boxes: int) -> int:
        """How many of a wave's boxes have to succeed."""
        return -(-self.success_percent * boxes // 100)

    def tolerated(self, boxes: int) -> int:
        """How many of a wave's boxes may fail."""
        return self.error_percent * boxes // 100


DEFAULT_TERMS = Terms()


def check_terms(terms: Terms) -> None:
    """Raises InvalidInput."""
    waves = list(terms.percentages)
    if not waves or waves[-1] != 100 or waves[0] < 1 or waves != sorted(set(waves)) or len(waves) > WAVES_MAX:
        raise InvalidInput(
            gettext("The waves are at most %(waves_max)s growing percentages and end with 100, such as 10, 50, 100.")
            % {"waves_max": WAVES_MAX},
            field="percentages",
        )
    if not 1 <= terms.success_percent <= 100:
        raise InvalidInput(gettext("Between 1 and 100 % of a wave have to succeed."), field="success_percent")
    if not 0 <= terms.error_percent <= 100 - terms.success_percent:
        raise InvalidInput(
            gettext(
                "Where %(low)s %% have to succeed, from 0 to %(high)s %% may fail: a wave with more failures "
                "could never pass."
            )
            % {"low": terms.success_percent, "high": 100 - terms.success_percent},
            field="error_percent",
        )
    if terms.window is not None:
        _check_window(terms.window)


def _check_window(window: Window) -> None:
    try:
        ZoneInfo(window.zone)
    except (KeyError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
        raise InvalidInput(
            gettext('There is no time zone "%(zone)s": write a name such as Europe/Berlin or UTC.')
            % {"zone": window.zone},
            field="window_zone",
        ) from error
    if window.start == window.end:
        raise InvalidInput(gettext("The maintenance window ends when it starts: choose two times."), field="window_end")
    if not window.days or not window.days <= set(range(7)):
        raise InvalidInput(gettext("Choose the weekdays on which the maintenance window opens."), field="window_days")
