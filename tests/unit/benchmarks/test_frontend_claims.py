"""What is said of pages in a browser follows from what was measured."""

import msgspec
import pytest

from benchmarks.frontend.claims import Chart, Heap, Load, checks

MIB = 2**20
LOAD = Load("dashboard:overview", 200_000, 15, (900.0, 400.0, 500.0))
CHART = Chart(3600, 10, (60, 59, 60), 18.0)
FLAT = Heap("box", 3600, (2 * MIB,) * 5 + (3 * MIB,) * 25, (900,) * 30, (40,) * 30)


def held(load=LOAD, chart=CHART, heap=FLAT):
    return [check.is_held for check in checks([LOAD, load], chart, [heap])]


def changed(struct, **changes):
    return msgspec.structs.replace(struct, **changes)


def test_all_claims_hold_where_all_went_well():
    assert held() == [True, True, True, True]


def test_one_heavy_page_and_one_slow_page_are_missed():
    assert held(load=changed(LOAD, sent_bytes=400_000)) == [False, True, True, True]
    assert held(load=changed(LOAD, lcp_ms=(1000.0, 1100.0, 300.0))) == [True, False, True, True]


@pytest.mark.parametrize("changes", [{"frames": (60, 29, 60)}, {"points": 3599}, {"series": 9}])
def test_one_second_with_too_few_frames_or_too_small_a_chart_is_missed(changes):
    assert not held(chart=changed(CHART, **changes))[2]


def test_a_heap_that_fills_its_charts_is_flat_and_one_that_goes_on_is_not():
    growing = tuple(2 * MIB + minute * MIB // 50 for minute in range(30))

    assert not held(heap=changed(FLAT, used_bytes=growing))[3]
    assert held(heap=changed(FLAT, used_bytes=FLAT.used_bytes[:20]))[3] is None
