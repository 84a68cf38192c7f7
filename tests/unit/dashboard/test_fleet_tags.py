"""Small pictures: states, memory bars, accuracy against target."""

import pytest

from webapp.audit.models import AuditEvent
from webapp.dashboard.glossary import TERMS
from webapp.dashboard.templatetags.fleet import accuracy, happening, memory_bar, state, term
from webapp.telemetry.models import BoxSample


@pytest.mark.parametrize(
    ("words", "colour"),
    [
        ("connected", "green"),
        ("offline", "red"),
        ("offline since 12:00", "red"),
        ("not at target", "orange"),
        ("not enrolled", "secondary"),
    ],
)
def test_colours_a_state_by_what_it_says(words, colour):
    assert state(words) == {"words": words, "colour": colour}


def test_every_term_can_be_explained_twice_on_a_page():
    for name in TERMS:
        here, there = term(name), term(name, 2)
        assert here["id"] != there["id"]
        assert here["meaning"] == there["meaning"] != ""


def test_a_memory_bar_leaves_the_free_part_open():
    sample = BoxSample(
        memory_budget=100,
        memory_private=30,
        memory_shared=20,
        memory_activations=15,
        memory_overhead=5,
        memory_free=30,
    )

    bar = memory_bar(sample)
    assert dict(bar["bands"]) == {
        "overhead": "5.00%",
        "activations": "15.00%",
        "private": "30.00%",
        "shared": "20.00%",
    }
    assert (bar["used"], bar["memory_free"]) == ("70 B", "30 B")
    assert memory_bar(None) == {"bands": ()}


def test_places_accuracy_its_interval_and_its_target_on_one_line():
    """The line runs from 0.85 (a round tenth below 0.94, less half a tenth) to 1."""
    shown = accuracy(0.97, 0.95, 0.94, 1.0)

    assert shown["value_at"] == "80.00%"
    assert shown["target_at"] == "66.67%"
    assert (shown["lower_at"], shown["width"]) == ("60.00%", "40.00%")


@pytest.mark.parametrize(
    ("value", "lower", "is_below"), [(0.97, 0.94, True), (0.97, 0.96, False), (0.94, None, True), (None, None, False)]
)
def test_judges_by_the_lower_bound_where_there_is_one(value, lower, is_below):
    assert accuracy(value, 0.95, lower, None)["is_below"] is is_below


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("camera.create", "added camera"),
        ("merged_group.approve", "approved merged group"),
        ("box.enrol", "let a machine join as box"),
    ],
)
def test_tells_audit_rows_in_words(action, words):
    assert happening(AuditEvent(action=action)) == words
