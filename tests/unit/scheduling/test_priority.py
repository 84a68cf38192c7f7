"""What a priority is worth where a box cannot meet all frames, simulated with the default policy."""

import pytest

from edge_runtime.scheduling.simulation import simulate
from edge_runtime.scheduling.words import Batch, Budget, ModelProfile, Profiles
from edge_runtime.scheduling.workload import QueryLoad, Workload


def load(slot: str, *, rate_fps: float = 10.0, deadline_ms: int, priority: float = 1.0) -> QueryLoad:
    return QueryLoad(f"query-{slot}", slot, rate_fps, deadline_ms, priority=priority, phase=0.0)


def test_a_query_of_high_priority_loses_next_to_nothing_where_a_box_is_overloaded_a_little() -> None:
    # Four models ask for 1.2 times what the box can run, one frame at a time; frames pile up, and batches help little.
    models = tuple(
        ModelProfile(f"m{number}", {f"t{number}": 100}, tuple(Batch(size, 20.0 * size**0.8, 10) for size in (1, 2, 4)))
        for number in range(4)
    )

    def lost(priority: float) -> float:
        queries = tuple(
            load(f"m{number}", rate_fps=15 * (1 + 0.03 * number), deadline_ms=200, priority=priority ** (number == 1))
            for number in range(4)
        )
        return (
            simulate(Workload(queries), Profiles(models), Budget(1_000), seconds=20, warm_up_s=2)
            .queries[1]
            .lost_fraction
        )

    assert lost(priority=1) > 0.05
    assert lost(priority=4) < 0.02


def test_queries_that_are_alike_lose_alike_and_priority_decides_between_them() -> None:
    batches = (Batch(1, 150.0, 1), Batch(2, 270.0, 2))
    profiles = Profiles(tuple(ModelProfile(slot, {slot: 100}, batches) for slot in "ab"))

    def in_time(priority: float) -> list[float]:
        queries = (load("a", deadline_ms=500), load("b", deadline_ms=500, priority=priority))
        outcome = simulate(Workload(queries), profiles, Budget(1_000), seconds=20, warm_up_s=1)
        return [1 - query.lost_fraction for query in outcome.queries]

    assert in_time(priority=1) == pytest.approx([0.33, 0.33], abs=0.03)
    ordinary, preferred = in_time(priority=2)
    assert preferred > 3 * ordinary > 0
