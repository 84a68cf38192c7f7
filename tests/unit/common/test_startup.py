"""When a server process collects garbage."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from webapp.common import startup


class Circle:
    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left_behind(objects: int) -> weakref.ref[Circle]:
    circles = [Circle() for _ in range(objects)]
    return weakref.ref(circles[0])


def test_what_a_request_left_behind_goes_before_the_next_once_it_is_much() -> None:
    little = left_behind(100)
    startup._collect()
    assert little() is not None
    much = left_behind(startup.COLLECTED_FROM)
    startup._collect()
    assert (little(), much()) == (None, None)


def test_what_was_in_use_during_a_collection_goes_in_the_end() -> None:
    used = [Circle() for _ in range(startup.COLLECTED_FROM)]
    startup._collect()
    one = weakref.ref(used[0])
    del used
    left_behind(startup.COLLECTED_FROM)
    startup._collect()
    assert one() is not None
    for _ in range(startup.WHOLE_AFTER):
        left_behind(startup.COLLECTED_FROM)
        startup._collect()
    assert one() is None
