from datetime import UTC, datetime
from uuid import UUID

import pytest

from edge_runtime.scheduling.words import Batch
from webapp.fleets.models import Box, Camera
from webapp.rollouts.admission import Network, figures_for, likeness_of, network_of, proposal
from webapp.rollouts.models import BoxMeasurement, NetworkMeasurement
from webapp.workloads.models import Model, Query

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
HERE = BoxMeasurement(
    box=Box(name="gate"), policy="layerwise", budget_bytes=10_000, overhead_bytes=100, load_bytes_per_s=1e6
)
THERE = BoxMeasurement(box=Box(name="depot"))
CARS = Network("resnet18", (64, 96), 3)


def row(measurement=HERE, architecture="resnet18", classes=3, run_ms=10.0) -> NetworkMeasurement:
    return NetworkMeasurement(
        measurement=measurement,
        architecture=architecture,
        input_height=64,
        input_width=96,
        class_count=classes,
        batches=[[1, run_ms, 500], [2, 1.5 * run_ms, 1_000]],
        measured_at=NOW,
    )


def tensor(digest: str, numbers: int) -> dict:
    return {"digest": digest, "dtype": "float32", "shape": [numbers]}


def model(digest: str, classes: int = 3) -> Model:
    layers = [
        {"name": "a", "signature": "conv", "parameters": ["a.weight"]},
        {"name": "b", "signature": "conv", "parameters": ["b.weight"]},
    ]
    return Model(
        architecture="resnet18",
        classes=[str(number) for number in range(classes)],
        input_height=64,
        input_width=96,
        tensors={
            "a.weight": tensor("stem", 50),
            "b.weight": tensor(digest, 100),
            "n.num_batches_tracked": tensor("n", 1),
        },
        layers=layers,
    )


def query(number: int, of: Model) -> Query:
    return Query(id=UUID(int=number), model=of, camera=Camera(id=UUID(int=9)), rate_fps=5, deadline_ms=400)


def test_figures_of_the_network_itself_come_first() -> None:
    figures = figures_for(CARS, [row(classes=7, run_ms=1), row()], [row(THERE, run_ms=2)])

    assert figures is not None
    assert figures.origin == ""
    assert [(batch.size, batch.run_ms) for batch in figures.batches] == [(1, 10.0), (2, 15.0)]


@pytest.mark.parametrize(
    ("here", "like", "words"),
    [
        ([row(classes=7)], [row(THERE)], "7 classes, measured on this box"),
        ([], [row(THERE, classes=9), row(THERE)], "measured on depot"),
    ],
)
def test_figures_of_the_nearest_network_are_told_as_that(here, like, words: str) -> None:
    figures = figures_for(CARS, here, like)

    assert figures is not None
    assert words in figures.origin


def test_another_architecture_or_input_size_tells_nothing() -> None:
    assert figures_for(CARS, [row(architecture="vgg16")], []) is None
    assert figures_for(Network("resnet18", (96, 64), 3), [row()], [row(THERE)]) is None


def test_a_tensor_that_models_share_is_counted_once_and_counters_not_at_all() -> None:
    cars, people = query(1, model("one")), query(2, model("two"))
    figures = {network_of(cars.model): figures_for(CARS, [row()], [])}

    asked = proposal([cars, people], {}, HERE, figures)

    assert asked.weight_bytes == 4 * (50 + 100 + 100)
    assert asked.plan is not None
    assert [load.rate_fps for load in asked.plan.workload.queries] == [5, 5]
    assert asked.plan.budget.limit_bytes == 10_000


def test_all_that_a_box_measured_is_foretold_from() -> None:
    box = BoxMeasurement(policy="layerwise", budget_bytes=10_000, overhead_bytes=0, visit_ms=0.5, short_visit_ms=1.5)
    measured = row(box)
    measured.batches, measured.switch_ms = [[1, 10.0, 500, False, 11.0, 12.0]], 2.0
    cars = query(1, model("one"))

    plan = proposal([cars], {}, box, {network_of(cars.model): figures_for(CARS, [measured], [])}).plan

    assert plan is not None
    (profile,) = plan.profiles.models
    assert (profile.batches, profile.switch_ms) == ((Batch(1, 10.0, 500, 11.0, 12.0),), 2.0)
    assert (plan.budget.visit_ms, plan.budget.short_visit_ms) == (0.5, 1.5)


def test_what_was_never_measured_is_named_and_nothing_planned() -> None:
    asked = proposal([query(1, model("one"))], {}, HERE, {})

    assert asked.plan is None
    assert asked.unknown == ("resnet18 at 96 × 64",)
    assert asked.weight_bytes == 4 * 150


def test_layers_are_alike_by_signature_and_occurrence() -> None:
    likeness = likeness_of([query(1, model("one")), query(2, model("two"))], {})

    one, two = (likeness[str(UUID(int=number))] for number in (1, 2))
    assert one["one"] == two["two"]
    assert one["stem"] == two["stem"] != one["one"]
