"""The watchdog under a clock that moves when told: fed while all goes well, one sentence early, the end in time."""

import math

import pytest

from edge_runtime.health.watchdog import Part, Watchdog


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class Listener:
    """systemd's side. `watchdog_s`: as WatchdogSec=."""

    watchdog_s = 60.0

    def __init__(self):
        self.heard = []

    def send(self, *words):
        self.heard.extend(words)
        return True


class Rig:
    def __init__(self, limit_s=60.0):
        self.clock, self.systemd, self.ends = Clock(), Listener(), []
        self.stuck = {"Running the models": 0.0, "Reading all cameras": 0.0}
        parts = [Part(name, lambda name=name: self.stuck[name], limit_s) for name in self.stuck]
        self.watchdog = Watchdog(parts, self.systemd, clock=self.clock, on_stuck=self.ends.append)

    def look(self, after_s=5.0, **stuck):
        self.clock.now += after_s
        self.stuck |= {name.replace("_", " "): seconds for name, seconds in stuck.items()}
        self.systemd.heard.clear()
        self.watchdog.look()
        return self.systemd.heard


@pytest.fixture
def rig():
    return Rig()


def test_feeds_while_every_part_moves(rig):
    assert rig.look() == ["WATCHDOG=1"]
    assert rig.look(Running_the_models=29.0) == ["WATCHDOG=1"]
    assert rig.watchdog.warnings == ()


def test_says_what_is_stuck_before_it_acts_and_takes_it_back(rig):
    assert rig.look(Reading_all_cameras=30.0) == ["WATCHDOG=1"]
    (warning,) = rig.watchdog.warnings
    assert warning.startswith("Reading all cameras makes no progress")
    rig.look(Reading_all_cameras=0.0)
    assert rig.watchdog.warnings == ()
    assert rig.ends == []


@pytest.mark.parametrize("seconds", [60.0, math.inf])
def test_stops_feeding_and_ends_the_process_when_a_part_is_stuck_for_too_long(rig, seconds):
    heard = rig.look(Running_the_models=seconds)
    assert "WATCHDOG=1" not in heard
    assert heard[0].startswith("STATUS=Running the models made no progress for 60 s.")
    (sentence,) = rig.ends
    assert "ends itself" in sentence


def test_a_machine_that_slept_is_no_machine_that_is_stuck(rig):
    """Its clock went on, its threads did not."""
    assert rig.look(after_s=3600.0, Running_the_models=3598.0) == ["WATCHDOG=1"]
    assert rig.ends == []
    assert rig.look(Running_the_models=0.0) == ["WATCHDOG=1"]


def test_looks_several_times_within_what_systemd_bears():
    rig = Rig()
    assert rig.watchdog.look_s == 5.0
    Listener.watchdog_s, before = 6.0, Listener.watchdog_s
    try:
        assert Rig().watchdog.look_s == 2.0
    finally:
        Listener.watchdog_s = before
