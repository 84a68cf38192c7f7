"""Whether the event loop answers, with a loop that runs only when the test lets it."""

import asyncio

import pytest

from edge_runtime.health.box_health import LoopPulse


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def loop():
    made = asyncio.new_event_loop()
    yield made
    made.close()


def test_a_loop_owes_an_answer_until_it_runs(loop):
    clock = Clock()
    pulse = LoopPulse(clock)
    pulse.follow(loop)
    assert pulse.stuck_s() == 0.0
    clock.now = 40.0
    assert pulse.stuck_s() == 40.0
    loop.run_until_complete(asyncio.sleep(0))
    assert pulse.stuck_s() == 0.0


def test_before_and_after_its_time_nothing_is_owed(loop):
    pulse = LoopPulse()
    assert pulse.stuck_s() == 0.0
    pulse.follow(loop)
    loop.close()
    assert pulse.stuck_s() == 0.0
    assert pulse.stuck_s() == 0.0
