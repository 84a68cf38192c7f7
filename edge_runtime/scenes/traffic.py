"""Who is where at any moment: a pure function of the layout, the seed and the time.

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
_DRIVE_S = 15.0  # from here to the end of the period vehicles wait and people may cross
_LONG = frozenset({"truck", "bus"})


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


def actors_at(layout: Layout, plan: ConditionPlan, time_s: float) -> list[Actor]:
    actors = []
    for number, lane in enumerate(layout.lanes):
        actors += _on_lane(lane, number, plan, time_s)
    for number, walk in enumerate(layout.walks):
        actors += _on_walk(walk, number + 50, plan.seed, time_s)
    if layout.zebra is not None:
        actors += _crossing(layout.zebra, plan.seed, time_s)
    return actors


def _cycle_time(time_s: float, seed: int) -> float:
    return (time_s + chance(seed, 5) * SIGNAL_PERIOD_S) % SIGNAL_PERIOD_S


def _signal_progress(lane: Lane) -> tuple[np.ndarray, np.ndarray]:
    """(times, metres) over one signal period: pull away, cruise, brake to a stand, wait."""
    times = np.linspace(0, SIGNAL_PERIOD_S, 521)
    speed = np.clip(times / 2.6, 0, 1) * np.clip((_DRIVE_S - times) / 3.2, 0, 1)
    metres = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2)])
    places = round(lane.speed * 12.0 / lane.gap_m)
    return times, metres * (places * lane.gap_m / metres[-1])


_progress_cache: dict[Lane, tuple[np.ndarray, np.ndarray]] = {}


def _signal_table(lane: Lane) -> tuple[np.ndarray, np.ndarray]:
    if lane not in _progress_cache:
        _progress_cache[lane] = _signal_progress(lane)
    return _progress_cache[lane]


def _on_lane(lane: Lane, number: int, plan: ConditionPlan, time_s: float) -> list[Actor]:
    length = math.hypot(lane.x1 - lane.x0, lane.y1 - lane.y0)
    direction = ((lane.x1 - lane.x0) / length, (lane.y1 - lane.y0) / length)
    heading = math.atan2(direction[1], direction[0])
    moved = _moved(lane, plan.seed, number, time_s)
    actors = []
    for place in range(math.ceil((moved - length * 1.5) / lane.gap_m), math.floor(moved / lane.gap_m) + 1):
        entered_at = _time_of(lane, plan.seed, number, place * lane.gap_m)
        kind = _kind_at(lane, number, plan, place, entered_at)
        if kind is None:
            continue
        along, is_moving = _along(lane, plan.seed, number, place, moved, time_s)
        along += (chance(plan.seed, number, place, 3) - 0.5) * (1.0 if lane.stop_at_m is None else 0.4)
        if 0 <= along <= length:
            aside = (chance(plan.seed, number, place, 4) - 0.5) * 0.5
            x = lane.x0 + direction[0] * along - direction[1] * aside
            y = lane.y0 + direction[1] * along + direction[0] * aside
            key = (plan.seed * 131 + number) * 1_000_003 + place
            actors.append(Actor(kind, x, y, heading, key, along, is_moving))
    return actors


def _kind_at(lane: Lane, number: int, plan: ConditionPlan, place: int, entered_at: float) -> str | None:
    """A long vehicle takes the place behind it too."""
    seed = plan.seed

    def taken(which: int) -> bool:
        share = plan.occupancy(entered_at) if lane.follows_traffic else lane.occupancy
        return chance(seed, number, which, 1) < share

    def kind(which: int) -> str:
        return pick(lane.kinds, seed, number, which, 2)

    if not taken(place) or (taken(place - 1) and kind(place - 1) in _LONG):
        return None
    return kind(place)


def _start(lane: Lane, seed: int, number: int) -> float:
    return chance(seed, number, 9) * 1000.0


def _moved(lane: Lane, seed: int, number: int, time_s: float) -> float:
    """Metres that the lane's row of places has moved; grows for ever."""
    if lane.stop_at_m is None:
        return _start(lane, seed, number) + lane.speed * time_s
    times, metres = _signal_table(lane)
    shifted = time_s + chance(seed, 5) * SIGNAL_PERIOD_S
    cycles = math.floor(shifted / SIGNAL_PERIOD_S)
    part = float(np.interp(shifted - cycles * SIGNAL_PERIOD_S, times, metres))
    offset = lane.stop_at_m % lane.gap_m
    return cycles * float(metres[-1]) + part + offset


def _time_of(lane: Lane, seed: int, number: int, moved: float) -> float:
    """When the row has moved this far; the inverse of _moved."""
    if lane.stop_at_m is None:
        return (moved - _start(lane, seed, number)) / lane.speed
    times, metres = _signal_table(lane)
    total = float(metres[-1])
    moved -= lane.stop_at_m % lane.gap_m
    cycles = math.floor(moved / total)
    part = float(np.interp(moved - cycles * total, metres, times))
    return cycles * SIGNAL_PERIOD_S + part - chance(seed, 5) * SIGNAL_PERIOD_S


def _along(lane: Lane, seed: int, number: int, place: int, moved: float, time_s: float) -> tuple[float, bool]:
    """(metres from the lane's start, is it moving)."""
    along = moved - place * lane.gap_m
    if lane.stop_at_m is None:
        return along, True
    if along <= lane.stop_at_m + 0.3:
        return along, _cycle_time(time_s, seed) < _DRIVE_S
    passed_at = _time_of(lane, seed, number, lane.stop_at_m + 0.3 + place * lane.gap_m)
    return lane.stop_at_m + 0.3 + (time_s - passed_at) * lane.speed * 1.15, True


def _on_walk(walk: Walk, number: int, seed: int, time_s: float) -> list[Actor]:
    length = math.hypot(walk.x1 - walk.x0, walk.y1 - walk.y0)
    direction = ((walk.x1 - walk.x0) / length, (walk.y1 - walk.y0) / length)
    actors = []
    for way in (1, -1):
        speed = 1.25 if way > 0 else 1.4
        moved = speed * time_s + chance(seed, number, way, 8) * 500
        for place in range(math.ceil((moved - length) / walk.gap_m), math.floor(moved / walk.gap_m) + 1):
            if chance(seed, number, way, place, 1) >= walk.occupancy:
                continue
            along = moved - place * walk.gap_m + chance(seed, number, way, place, 2) * 1.2
            across = way * 0.45 * walk.half_width + (chance(seed, number, way, place, 3) - 0.5) * walk.half_width
            at = along if way > 0 else length - along
            x = walk.x0 + direction[0] * at - direction[1] * across
            y = walk.y0 + direction[1] * at + direction[0] * across
            heading = math.atan2(direction[1] * way, direction[0] * way)
            actors.append(Actor("person", x, y, heading, (seed * 17 + number) * 999_983 + place * 2 + way, along))
    return actors


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
    speed = 1.25 + 0.4 * chance(*keys, 32)
    start = chance(*keys, 33) * 1.6
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
