"""Who is where at any moment: depends on the layout, the seed and the time alone.

A lane is a row of places that move along together, so vehicles never touch; chance decides which places are taken, and
by what. Where people cross, a signal stops the lane once per cycle just before its stop line, and a vehicle that has
passed the line drives on.
"""

import math
from dataclasses import dataclass

import numpy as np

from edge_runtime.scenes.chance import chance, pick
from edge_runtime.scenes.conditions import ConditionPlan
from edge_runtime.scenes.layouts import Lane, Layout, Walk, Zebra

SIGNAL_PERIOD_S = 26.0
_DRIVE_S = 13.0  # from here to the end of the period vehicles wait and people may cross
_HALF_LENGTH = {"car": 2.3, "truck": 3.8, "bus": 5.6, "bicycle": 0.9}
_REMEMBERED = 4096


@dataclass(frozen=True)
class Actor:
    """One object on the ground at (x, y), facing (cos, sin) of `heading`. `key` decides its looks.

    `step`: metres walked or ridden, for moving legs and wheels. `is_moving` is False while it waits.
    """

    kind: str
    x: float
    y: float
    heading: float
    key: int
    step: float
    is_moving: bool = True
    on_crossing: bool = False


def signal_allows_walking(time_s: float, seed: int) -> bool:
    return _cycle_time(time_s, seed) >= _DRIVE_S + 1.0


def _cycle_time(time_s: float, seed: int) -> float:
    return (time_s + chance(seed, 5) * SIGNAL_PERIOD_S) % SIGNAL_PERIOD_S


class Traffic:
    """Remembers what chance decided about recent places: a place lasts for many frames."""

    def __init__(self, layout: Layout, plan: ConditionPlan) -> None:
        self._zebra, self._seed = layout.zebra, plan.seed
        self._lanes = [_LaneTraffic(lane, number, plan) for number, lane in enumerate(layout.lanes)]
        self._walks = [_WalkTraffic(walk, number + 50, plan.seed) for number, walk in enumerate(layout.walks)]

    def at(self, time_s: float) -> list[Actor]:
        actors = [actor for part in (*self._lanes, *self._walks) for actor in part.at(time_s)]
        if self._zebra is not None:
            actors += _crossing(self._zebra, self._seed, time_s)
        return actors


@dataclass(frozen=True)
class _Place:
    """What a place of a lane holds: a vehicle with its front `lead` metres before it."""

    kind: str
    key: int
    lead: float
    aside: float
    passed_at: float


class _LaneTraffic:
    """`front` positions: metres from the lane's start; places are `gap_m` apart and move together."""

    def __init__(self, lane: Lane, number: int, plan: ConditionPlan) -> None:
        self._lane, self._number, self._plan, self._seed = lane, number, plan, plan.seed
        self._length = math.hypot(lane.x1 - lane.x0, lane.y1 - lane.y0)
        self._direction = ((lane.x1 - lane.x0) / self._length, (lane.y1 - lane.y0) / self._length)
        self._heading = math.atan2(self._direction[1], self._direction[0])
        self._start = chance(self._seed, number, 9) * 1000.0
        self._phase_s = chance(self._seed, 5) * SIGNAL_PERIOD_S
        self._times, self._metres = _signal_progress(lane)
        self._places: dict[int, _Place | None] = {}

    def at(self, time_s: float) -> list[Actor]:
        moved, gap = self._moved(time_s), self._lane.gap_m
        waits = _cycle_time(time_s, self._seed) >= _DRIVE_S
        actors = []
        # A vehicle that has passed the signal drives on, so it may be beyond its place.
        ahead = 0.6 * self._length if self._lane.stop_at_m is not None else 0.0
        for number in range(math.ceil((moved - self._length - 12) / gap), math.floor((moved + ahead) / gap) + 1):
            place = self._place(number)
            if place is None:
                continue
            front, is_moving = self._along(place, moved - number * gap, time_s, waits)
            along = front + place.lead - _HALF_LENGTH[place.kind]
            if -6 <= along <= self._length:
                x = self._lane.x0 + self._direction[0] * along - self._direction[1] * place.aside
                y = self._lane.y0 + self._direction[1] * along + self._direction[0] * place.aside
                actors.append(Actor(place.kind, x, y, self._heading, place.key, along, is_moving))
        return actors

    def _place(self, number: int) -> _Place | None:
        if number not in self._places:
            if len(self._places) > _REMEMBERED:
                self._places.clear()
            self._places[number] = self._decide(number)
        return self._places[number]

    def _decide(self, number: int) -> _Place | None:
        """A bus takes the place behind it too."""
        kind = self._kind(number)
        if kind is None or self._kind(number - 1) == "bus":
            return None
        stop = self._lane.stop_at_m
        spread = 1.0 if stop is None else 0.4
        return _Place(
            kind=kind,
            key=(self._seed * 131 + self._number) * 1_000_003 + number,
            lead=(chance(self._seed, self._number, number, 3) - 0.5) * spread,
            aside=(chance(self._seed, self._number, number, 4) - 0.5) * 0.5,
            passed_at=0.0 if stop is None else self._time_of(stop + 0.3 + number * self._lane.gap_m),
        )

    def _kind(self, number: int) -> str | None:
        share = self._lane.occupancy
        if self._lane.follows_traffic:
            share = self._plan.occupancy(self._time_of(number * self._lane.gap_m))
        if chance(self._seed, self._number, number, 1) >= share:
            return None
        return pick(self._lane.kinds, self._seed, self._number, number, 2)

    def _moved(self, time_s: float) -> float:
        """Metres that the lane's row of places has moved; grows for ever."""
        if self._lane.stop_at_m is None:
            return self._start + self._lane.speed * time_s
        cycles, rest = divmod(time_s + self._phase_s, SIGNAL_PERIOD_S)
        part = float(np.interp(rest, self._times, self._metres))
        return cycles * float(self._metres[-1]) + part + self._lane.stop_at_m % self._lane.gap_m

    def _time_of(self, moved: float) -> float:
        """When the row has moved this far; the inverse of _moved."""
        if self._lane.stop_at_m is None:
            return (moved - self._start) / self._lane.speed
        cycles, rest = divmod(moved - self._lane.stop_at_m % self._lane.gap_m, float(self._metres[-1]))
        part = float(np.interp(rest, self._metres, self._times))
        return cycles * SIGNAL_PERIOD_S + part - self._phase_s

    def _along(self, place: _Place, front: float, time_s: float, waits: bool) -> tuple[float, bool]:
        """(front, is it moving). Before the stop line a vehicle keeps its place, behind it it drives on."""
        stop = self._lane.stop_at_m
        if stop is None:
            return front, True
        if front <= stop + 0.3:
            return front, not waits
        return stop + 0.3 + (time_s - place.passed_at) * self._lane.speed * 1.15, True


def _signal_progress(lane: Lane) -> tuple[np.ndarray, np.ndarray]:
    """(times, metres) over one signal period: pull away, cruise, brake to a stand, wait."""
    times = np.linspace(0, SIGNAL_PERIOD_S, 521)
    speed = np.clip(times / 2.6, 0, 1) * np.clip((_DRIVE_S - times) / 3.2, 0, 1)
    metres = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
    places = round(lane.speed * (_DRIVE_S - 3.0) / lane.gap_m)
    return times, metres * (places * lane.gap_m / metres[-1])


class _WalkTraffic:
    """People of one pavement: those who go one way and those who come the other."""

    def __init__(self, walk: Walk, number: int, seed: int) -> None:
        self._walk, self._number, self._seed = walk, number, seed
        self._length = math.hypot(walk.x1 - walk.x0, walk.y1 - walk.y0)
        self._direction = ((walk.x1 - walk.x0) / self._length, (walk.y1 - walk.y0) / self._length)
        self._places: dict[tuple[int, int], tuple[float, float] | None] = {}

    def at(self, time_s: float) -> list[Actor]:
        actors = []
        for way, speed in ((1, 1.25), (-1, 1.4)):
            moved = speed * time_s + chance(self._seed, self._number, way, 8) * 500
            gap = self._walk.gap_m
            for number in range(math.ceil((moved - self._length) / gap), math.floor(moved / gap) + 1):
                place = self._place(way, number)
                if place is not None:
                    actors.append(self._person(way, number, moved - number * gap, place))
        return actors

    def _place(self, way: int, number: int) -> tuple[float, float] | None:
        """(metres ahead of the place, metres to the left of the middle), None where nobody walks."""
        if (way, number) not in self._places:
            if len(self._places) > _REMEMBERED:
                self._places.clear()
            keys, half = (self._seed, self._number, way, number), self._walk.half_width
            across = way * 0.45 * half + (chance(*keys, 3) - 0.5) * half
            is_taken = chance(*keys, 1) < self._walk.occupancy
            self._places[way, number] = (chance(*keys, 2) * 1.2, across) if is_taken else None
        return self._places[way, number]

    def _person(self, way: int, number: int, moved: float, place: tuple[float, float]) -> Actor:
        along, across = moved + place[0], place[1]
        at = along if way > 0 else self._length - along
        x = self._walk.x0 + self._direction[0] * at - self._direction[1] * across
        y = self._walk.y0 + self._direction[1] * at + self._direction[0] * across
        heading = math.atan2(self._direction[1] * way, self._direction[0] * way)
        key = (self._seed * 17 + self._number) * 999_983 + number * 2 + way
        return Actor("person", x, y, heading, key, along)


def _crossing(zebra: Zebra, seed: int, time_s: float) -> list[Actor]:
    """People who walk up to the kerb, wait for the signal, cross and walk away."""
    shifted = time_s + chance(seed, 5) * SIGNAL_PERIOD_S
    cycle = math.floor(shifted / SIGNAL_PERIOD_S)
    actors = []
    for which in (cycle - 1, cycle, cycle + 1):
        green = which * SIGNAL_PERIOD_S + _DRIVE_S + 1.2
        for person in range(int(chance(seed, which, 30) * 6.6)):
            actor = _walker(zebra, (seed, which, person), shifted - green)
            if actor is not None:
                actors.append(actor)
    return actors


def _walker(zebra: Zebra, keys: tuple[int, int, int], since_green: float) -> Actor | None:
    """One person, `since_green` seconds after people may go: side and speed are chance, the route is fixed."""
    way = 1 if chance(*keys, 31) < 0.5 else -1
    speed = 1.3 + 0.4 * chance(*keys, 32)
    start = chance(*keys, 33) * 1.2
    lane = zebra.x0 + 0.5 + chance(*keys, 34) * (zebra.x1 - zebra.x0 - 1.0)
    side_in = 1 if chance(*keys, 35) < 0.5 else -1
    side_out = 1 if chance(*keys, 36) < 0.5 else -1
    wait = 0.5 + chance(*keys, 37) * 7
    width = zebra.y1 - zebra.y0
    near, far = (zebra.y0, zebra.y1) if way > 0 else (zebra.y1, zebra.y0)
    margin = 2.9 if near == zebra.y0 else 1.0  # the bike lane runs before the near kerb
    margin_out = 1.0 if near == zebra.y0 else 2.9
    walked = (since_green - start) * speed
    key = keys[0] * 7_919 + keys[1] * 31 + keys[2]
    if walked < 0:
        back = max(0.0, -(since_green - start + wait)) * speed
        x, y = lane + side_in * back, near - way * margin
        heading = math.atan2(way, 0.0) if back == 0 else math.atan2(0.0, -side_in)
        return Actor("person", x, y, heading, key, back, back > 0) if back < 14 else None
    total = width + margin + margin_out
    if walked <= total:
        y = near - way * margin + way * walked
        on_crossing = zebra.y0 <= y <= zebra.y1
        return Actor("person", lane, y, math.atan2(way, 0.0), key, walked, True, on_crossing)
    away = walked - total
    if away > 20:
        return None
    return Actor("person", lane + side_out * away, far + way * margin_out, math.atan2(0.0, side_out), key, walked)
