"""How a rollout stands, in words and figures for its page. Pure: rows and box statuses in, sentences out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

from webapp.rollouts.models import Rollout, RolloutBox, RolloutBoxState, RolloutState
from webapp.rollouts.status import BoxStatus, Connection
from webapp.rollouts.waves import Tally, Wave, counts, open_wave, tallies_of, waves_of
from webapp.rollouts.windows import DAYS, Window

_UNENDED = (RolloutState.RUNNING, RolloutState.PAUSED)


@dataclass(frozen=True)
class BoxProgress:
    row: RolloutBox
    sentence: str


@dataclass(frozen=True)
class BoxPlace:
    """A box's own part of a rollout, for the page of the box."""

    rollout: Rollout
    row: RolloutBox
    sentence: str

    @property
    def is_waiting(self) -> bool:
        return self.row.state == RolloutBoxState.WAITING and self.rollout.state in _UNENDED


@dataclass(frozen=True)
class WaveProgress:
    wave: Wave
    sentence: str
    boxes: tuple[BoxProgress, ...]


@dataclass(frozen=True)
class Standing:
    """How far a rollout is. `counts`: boxes by state."""

    rollout: Rollout
    sentence: str
    counts: Mapping[str, int]

    @property
    def size(self) -> int:
        return sum(self.counts.values())

    @property
    def shares(self) -> list[tuple[str, int, str]]:
        """(state, boxes, width in percent) of the states that there are boxes in."""
        return [(state, count, f"{100 * count / self.size:.2f}%") for state, count in self.counts.items() if count]


@dataclass(frozen=True)
class Progress:
    """Where every box of a rollout is."""

    standing: Standing
    waves: tuple[WaveProgress, ...]

    @property
    def bytes_sent(self) -> int:
        """What the boxes had to download for it so far."""
        bundles = (box.row.bundle for wave in self.waves for box in wave.boxes)
        return sum(bundle.bytes_sent or 0 for bundle in bundles if bundle is not None)


def standing(rollout: Rollout, tallies: Sequence[Tally], now: datetime) -> Standing:
    """`tallies`: of its boxes (selectors.rollout_tallies)."""
    waves = waves_of(rollout.terms, tallies)
    return Standing(rollout, _sentence(rollout, waves, tallies, now), counts(tallies))


def progress(rollout: Rollout, statuses: Mapping[UUID, BoxStatus], now: datetime) -> Progress:
    """`statuses`: of its boxes by id (selectors.box_statuses)."""
    rows = list(rollout.boxes.all())
    tallies = tallies_of(rows)
    waves = waves_of(rollout.terms, tallies)
    parts = []
    for wave in waves:
        members = [row for row in rows if row.wave == wave.number]
        boxes = tuple(
            BoxProgress(row, box_sentence(rollout, waves, row, statuses.get(row.box_id), now)) for row in members
        )
        parts.append(WaveProgress(wave, _wave_sentence(rollout, waves, wave), boxes))
    return Progress(standing(rollout, tallies, now), tuple(parts))


def places_of(
    rows: Iterable[RolloutBox], tallies: Mapping[UUID, Sequence[Tally]], status: BoxStatus, now: datetime
) -> tuple[BoxPlace, ...]:
    """Where a box stands in each of its rollouts. `rows`: its own in them; `tallies`: of all boxes, by rollout."""
    places = []
    for row in rows:
        waves = waves_of(row.rollout.terms, tallies[row.rollout_id])
        places.append(BoxPlace(row.rollout, row, box_sentence(row.rollout, waves, row, status, now)))
    return tuple(places)


def box_sentence(
    rollout: Rollout, waves: Sequence[Wave], row: RolloutBox, status: BoxStatus | None, now: datetime
) -> str:
    """Why the box is in its state, or what it waits for."""
    now_wrong = status.sentence if status is not None else ""
    match row.state:
        case RolloutBoxState.WAITING:
            return _waits_for(rollout, waves, row, status, now)
        case RolloutBoxState.UPDATING:
            return now_wrong or gettext("It runs the new bundle and has to prove it good.")
        case RolloutBoxState.SUCCEEDED:
            return now_wrong or gettext("Runs it.")
        case RolloutBoxState.ROLLED_BACK:
            return (gettext("Back on what it ran before. %(why)s") % {"why": row.sentence}).strip()
        case _:
            went_on = gettext("%(why)s The rollout went on without it.") % {"why": row.sentence}
            return went_on if row.is_accepted else row.sentence


def _waits_for(
    rollout: Rollout, waves: Sequence[Wave], row: RolloutBox, status: BoxStatus | None, now: datetime
) -> str:
    if rollout.state not in _UNENDED:
        return gettext("It was never started.")
    if rollout.state == RolloutState.PAUSED:
        return gettext("Waits: the rollout is paused.")
    opened = open_wave(waves)
    if row.wave > opened:
        wave = next(wave for wave in waves if wave.number == opened)
        words = gettext("Waits for wave %(wave)s: it runs on %(good)s of the %(needed)s needed there.")
        return words % {"wave": opened + 1, "good": wave.succeeded, "needed": wave.needed}
    closed = _closed(rollout.terms.window, now)
    if closed:
        return gettext("Waits for the maintenance window, which %(opens)s.") % {"opens": closed}
    if status is None or status.connection in (Connection.OFFLINE, Connection.NOT_ENROLLED):
        return gettext("Waits: the server hears nothing from it. It starts when it is back.")
    return gettext("Starts in a moment.")


def _sentence(rollout: Rollout, waves: Sequence[Wave], tallies: Sequence[Tally], now: datetime) -> str:
    number = counts(tallies)
    good, size = number[RolloutBoxState.SUCCEEDED], sum(number.values())
    match rollout.state:
        case RolloutState.PAUSED:
            return rollout.pause_reason
        case RolloutState.FINISHED:
            words = gettext("It runs on %(good)s of %(boxes)s.")
            if good < size:
                words = gettext("It runs on %(good)s of %(boxes)s; %(missing)s without it.")
            return words % {"good": good, "boxes": _boxes(size), "missing": _boxes(size - good)}
        case RolloutState.ABORTED:
            words = gettext("%(boxes)s kept it, %(back)s went back, %(waiting)s never started.")
            back, waiting = number[RolloutBoxState.ROLLED_BACK], number[RolloutBoxState.WAITING]
            return words % {"boxes": _boxes(good), "back": back, "waiting": waiting}
        case RolloutState.ROLLED_BACK:
            words = gettext("%(boxes)s went back to what they ran before.")
            return words % {"boxes": _boxes(number[RolloutBoxState.ROLLED_BACK])}
    opened = next(wave for wave in waves if wave.number == open_wave(waves))
    closed = _closed(rollout.terms.window, now) if _has_waiting(tallies, opened.number) else ""
    words = gettext("Wave %(wave)s of %(waves)s: it runs on %(good)s of %(boxes)s.")
    if closed:
        words = gettext(
            "Wave %(wave)s of %(waves)s: it runs on %(good)s of %(boxes)s. The maintenance window %(opens)s."
        )
    figures = {"wave": opened.number + 1, "waves": len(waves), "good": opened.succeeded}
    return words % {**figures, "boxes": _boxes(opened.size), "opens": closed}


def _wave_sentence(rollout: Rollout, waves: Sequence[Wave], wave: Wave) -> str:
    if wave.size == 0:
        return gettext("No box is left in it.")
    if wave.number > open_wave(waves) and rollout.state in _UNENDED:
        return gettext("Begins once wave %(wave)s has passed.") % {"wave": wave.number}
    if wave.has_passed:
        words = gettext("It runs on %(good)s of %(boxes)s: passed.")
    elif rollout.state not in _UNENDED:
        words = gettext("It runs on %(good)s of %(boxes)s.")
    elif wave.failed:
        words = gettext(
            "It runs on %(good)s of %(boxes)s, %(failed)s failed; %(needed)s needed, %(tolerated)s may fail."
        )
    else:
        words = gettext("It runs on %(good)s of %(boxes)s; %(needed)s needed, %(tolerated)s may fail.")
    figures = {"needed": wave.needed, "tolerated": wave.tolerated, "failed": wave.failed}
    return words % {**figures, "good": wave.succeeded, "boxes": _boxes(wave.size)}


def _has_waiting(tallies: Sequence[Tally], opened: int) -> bool:
    return any(tally.state == RolloutBoxState.WAITING and tally.wave <= opened for tally in tallies)


def _closed(window: Window | None, now: datetime) -> str:
    """When it opens, "" while it is open or where there is none."""
    if window is None or window.is_open(now):
        return ""
    opens_at = window.opens_at(now)
    if opens_at is None:
        return gettext("never opens")
    local = opens_at.astimezone(ZoneInfo(window.zone))
    words = gettext("opens on %(day)s at %(time)s (%(zone)s)")
    return words % {"day": DAYS[local.weekday()], "time": f"{local:%H:%M}", "zone": window.zone}


def _boxes(count: int) -> str:
    return ngettext("%(count)s box", "%(count)s boxes", count) % {"count": count}
