"""How much models could share: on the page of a model, before a merge run, and for programs."""

import pytest
from django.urls import reverse
from django.utils import timezone

from webapp.workloads.models import CheckState, Model, Query

MIB = 2**20
LAYERS = [
    {"name": "features.0", "kind": "Conv2d", "signature": "a", "parameters": 9, "size_bytes": 5 * MIB, "position": 0},
    {"name": "last", "kind": "Linear", "signature": "c", "parameters": 9, "size_bytes": 3 * MIB, "position": 1},
]


@pytest.fixture
def other(fleet) -> Model:
    """Has the first layer of the fleet's model, and another last one."""
    return Model.objects.create(
        site=fleet.site,
        name="people",
        architecture="resnet18",
        task="classification",
        classes=["few", "many"],
        input_height=64,
        input_width=64,
        state=CheckState.READY,
        layers=LAYERS,
        size_bytes=8 * MIB,
        created_at=timezone.now(),
    )


@pytest.fixture
def queries(fleet, other) -> list[Query]:
    found = [fleet.query(name) for name in ("count cars", "count trucks", "count people")]
    found[2].model = other
    found[2].save()
    return found


def test_a_model_says_how_many_others_could_share_each_layer(browser, fleet, other, words):
    response = browser.get(reverse("workloads:model-detail", args=[fleet.model.id]))

    assert [(layer["name"], layer["others"]) for layer in response.context["layers"]] == [
        ("features.0", 1),
        ("head", 0),
    ]
    assert "at least one could share 5.0 MiB of these weights" in words(response)
    assert "features.0 Conv2d 5.0 MiB 1 of 1" in words(response)


def test_a_lone_model_and_one_that_is_not_ready_share_nothing(browser, fleet, other, words):
    Model.objects.filter(pk=other.pk).update(state=CheckState.REJECTED)

    page = words(browser.get(reverse("workloads:model-detail", args=[fleet.model.id])))
    assert "Once harbour has other models, colours tell which layers they could share." in page


def test_before_a_merge_every_pair_says_what_it_could_share(browser, fleet, queries, words):
    page = words(browser.get(reverse("merges:run-start", args=[fleet.box.id])))

    assert "5.0 MiB of 14.0 MiB of weights ( 35.7 % ) would be saved" in page
    assert "one model held once already 5.0 MiB 83.3 %" in page


def test_one_query_has_nobody_to_share_with(browser, fleet, words):
    fleet.query("count cars")
    assert "How much every pair" not in words(browser.get(reverse("merges:run-start", args=[fleet.box.id])))


def test_a_program_reads_the_pairs(browser, fleet, queries):
    found = browser.get(f"/api/v1/merge-runs/sharing/{fleet.box.pk}/").json()

    assert (found["size_bytes"], found["most_saved_bytes"]) == (14 * MIB, 5 * MIB)
    assert len(found["pairs"]) == 3
    first = next(pair for pair in found["pairs"] if pair["queries"] == [str(queries[0].pk), str(queries[2].pk)])
    assert (first["shared_bytes"], first["is_same_model"]) == (5 * MIB, False)
