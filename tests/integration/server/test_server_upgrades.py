"""Migrations that move what is there already: on a database with rows of the version before, nothing is lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor
from django.forms.models import model_to_dict

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BEFORE = ("drift", "0001_drifts_and_settings")


@pytest.fixture
def before(transactional_db: None) -> Iterator[Any]:
    """The models, while the database knows of drifts what it knew in version BEFORE."""
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate([BEFORE])
    yield executor.loader.project_state([BEFORE, *(node for node in newest if node[0] != "drift")]).apps
    MigrationExecutor(connection).migrate(newest)


def upgraded() -> Any:
    executor = MigrationExecutor(connection)
    newest = executor.loader.graph.leaf_nodes()
    executor.migrate(newest)
    return executor.loader.project_state(newest).apps


def drifts_of_two_boxes(models: Any) -> dict[str, dict[str, Any]]:
    """Two of each box's merged group, one of them ended, by the box's name: all that a row can hold, and its least."""
    site = models.get_model("fleets", "Site").objects.create(name="harbour", created_at=NOW)
    kept = {}
    for name in ("north gate", "south gate"):
        box = models.get_model("fleets", "Box").objects.create(site=site, name=name, created_at=NOW)
        camera = models.get_model("fleets", "Camera").objects.create(box=box, name="entry", source="", created_at=NOW)
        model = models.get_model("workloads", "Model").objects.create(site=site, name=f"of {name}", created_at=NOW)
        query = models.get_model("workloads", "Query").objects.create(
            camera=camera, model=model, name="cars", objects_wanted=["car"], created_at=NOW
        )
        runs = models.get_model("merges", "MergeRun").objects
        run, again = (runs.create(box=box, created_at=NOW) for _ in range(2))
        group = models.get_model("merges", "MergedGroup").objects.create(
            run=run, name="cars + trucks", bytes_before=12, bytes_after=7, created_at=NOW
        )
        told = {"site": site, "group": group, "query_name": "cars", "found_at": NOW, "window_s": 120, "frames": 20}
        figures = {"value": 0.7, "lower": 0.6, "upper": 0.8, "bar": 0.9}
        drift = models.get_model("drift", "Drift").objects
        least = drift.create(**told, **figures)
        later = {"reverted_at": NOW + timedelta(seconds=1), "until": NOW, "ended_at": NOW + timedelta(hours=1)}
        whole = drift.create(
            **told, **figures, **later, query=query, run=again, state="ended", problem="No frames.", datasets=["a"]
        )
        kept[name] = {str(row.id): model_to_dict(row) for row in (least, whole)}
    return kept


def test_every_drift_found_so_far_is_kept_and_is_about_the_box_that_its_group_was_found_on(before: Any) -> None:
    kept = drifts_of_two_boxes(before)
    drifts = upgraded().get_model("drift", "Drift").objects
    assert drifts.count() == 4
    for name, rows in kept.items():
        for identity, row in rows.items():
            drift = drifts.get(id=identity)
            assert (drift.box.name, model_to_dict(drift, exclude=["box"])) == (name, row)


def test_afterwards_a_group_has_one_open_drift_on_each_box(before: Any) -> None:
    drifts_of_two_boxes(before)
    models = upgraded()
    drift, elsewhere = (
        models.get_model("drift", "Drift").objects.get(box__name=name, ended_at=None)
        for name in ("north gate", "south gate")
    )
    again = {**model_to_dict(drift, fields=["query_name", "value", "lower", "upper", "bar", "frames", "window_s"])}
    again |= {"site": drift.site, "group": drift.group, "found_at": NOW}
    models.get_model("drift", "Drift").objects.create(**again, box=elsewhere.box)
    with pytest.raises(IntegrityError, match="one_drift_per_group_and_box"):
        models.get_model("drift", "Drift").objects.create(**again, box=drift.box)
