"""The workloads of `make bench-merging`, before any picture is made."""

from pathlib import Path

import pytest
import yaml

from benchmarks.merging.examples import BenchmarkQuery
from benchmarks.merging.real import RealQueries
from benchmarks.merging.rendered import rendered_queries
from edge_runtime.vision.spec import Task
from workers.merging.workload import parse_workload

WORKLOADS = {"real": RealQueries(Path("recordings"), 100).all(), "rendered": rendered_queries(100)}


@pytest.mark.parametrize("queries", WORKLOADS.values(), ids=WORKLOADS.keys())
def test_a_workload_is_mixed(queries: tuple[BenchmarkQuery, ...]) -> None:
    parsed = parse_workload(yaml.safe_dump({"queries": [query.entry() for query in queries]})).queries
    assert len(parsed) >= 6
    assert {query.task for query in parsed} == set(Task)
    assert len({query.model.architecture for query in parsed}) >= 3
    assert len({query.camera for query in queries}) >= 3
    assert {query.accuracy_target for query in parsed} == {0.95}


@pytest.mark.parametrize("queries", WORKLOADS.values(), ids=WORKLOADS.keys())
def test_no_split_shares_pictures_with_another(queries: tuple[BenchmarkQuery, ...]) -> None:
    for query in queries:
        assert len({part.source for part in query.parts}) == 3
        assert len({part.folder for part in query.parts}) == 3
