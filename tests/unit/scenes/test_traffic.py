import itertools
import math
from collections import defaultdict

import pytest

from edge_runtime.scenes.conditions import ConditionPlan
from edge_runtime.scenes.layouts import LAYOUTS
from edge_runtime.scenes.traffic import Traffic, signal_allows_walking
from edge_runtime.scenes.vehicles import vehicle_mesh

HEAVY = ConditionPlan("day", "clear", "heavy", seed=4)
VEHICLES = ("car", "truck", "bus")


def _vehicles(traffic, time_s):
    return [actor for actor in traffic.at(time_s) if actor.kind in VEHICLES]


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_vehicles_never_drive_into_each_other(name):
    traffic = Traffic(LAYOUTS[name], HEAVY)
    for time_s in (0.0, 7.3, 15.1, 21.9, 93.2):
        actors = _vehicles(traffic, time_s)
        assert actors
        for i, one in enumerate(actors):
            for other in actors[i + 1 :]:
                if math.cos(one.heading - other.heading) < 0.9:
                    continue
                apart = (other.x - one.x, other.y - one.y)
                ahead = abs(apart[0] * math.cos(one.heading) + apart[1] * math.sin(one.heading))
                aside = abs(apart[1] * math.cos(one.heading) - apart[0] * math.sin(one.heading))
                half = (vehicle_mesh(one.kind, one.key).size[0] + vehicle_mesh(other.kind, other.key).size[0]) / 2
                assert ahead > half or aside > 2.4


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_everything_moves_without_jumps(name):
    places = defaultdict(list)
    traffic = Traffic(LAYOUTS[name], HEAVY)
    for tick in range(280):
        for actor in traffic.at(40 + tick / 10):
            places[actor.kind, actor.key].append((tick, actor.x, actor.y))
    steps = [
        math.hypot(b[1] - a[1], b[2] - a[2])
        for track in places.values()
        for a, b in itertools.pairwise(track)
        if b[0] == a[0] + 1
    ]
    assert len(steps) > 1000
    assert max(steps) < 1.6  # 16 m/s


def test_nobody_crosses_while_vehicles_drive():
    layout = LAYOUTS["crossing"]
    traffic, seen = Traffic(layout, HEAVY), 0
    for tick in range(300):
        time_s = tick / 2
        crossing = [actor for actor in traffic.at(time_s) if actor.on_crossing]
        seen += len(crossing)
        assert not crossing or signal_allows_walking(time_s, HEAVY.seed)
    assert seen > 25


def test_no_vehicle_stands_on_the_crossing():
    layout = LAYOUTS["crossing"]
    traffic, standing = Traffic(layout, HEAVY), 0
    for tick in range(200):
        for actor in _vehicles(traffic, tick / 1.5):
            half = vehicle_mesh(actor.kind, actor.key).size[0] / 2
            if not actor.is_moving:
                standing += 1
                assert actor.x + half < layout.zebra.x0 or actor.x - half > layout.zebra.x1
    assert standing > 50


def test_people_on_the_crossing_meet_no_vehicle():
    layout = LAYOUTS["crossing"]
    traffic = Traffic(layout, HEAVY)
    for tick in range(400):
        actors = traffic.at(tick / 2)
        walking = [actor for actor in actors if actor.on_crossing]
        for vehicle in (actor for actor in actors if actor.kind in VEHICLES):
            length, width, _ = vehicle_mesh(vehicle.kind, vehicle.key).size
            for person in walking:
                assert abs(person.x - vehicle.x) > length / 2 or abs(person.y - vehicle.y) > width / 2


def test_more_traffic_means_more_vehicles():
    layout = LAYOUTS["bridge"]

    def vehicles(word):
        plan = ConditionPlan("day", "clear", word, seed=8)
        return sum(len(_vehicles(Traffic(layout, plan), float(t))) for t in range(0, 100, 10))

    assert vehicles("quiet") * 3 < vehicles("moderate")
    assert vehicles("moderate") * 1.8 < vehicles("heavy")


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_a_moment_does_not_depend_on_those_asked_for_before(name):
    used = Traffic(LAYOUTS[name], HEAVY)
    for time_s in (300.0, 12.0, 55.5):
        used.at(time_s)
    assert used.at(56.0) == Traffic(LAYOUTS[name], HEAVY).at(56.0)
