"""Every state that a badge can show is there for translators."""

import pytest
from django.apps import apps
from django.db import models
from django.utils import translation

from webapp.dashboard.stored_words import STORED, in_words
from webapp.dashboard.templatetags.fleet import state
from webapp.rollouts.status import Connection, State

NO_BADGE = {"JobState"}


def choices_called_state() -> dict[str, type[models.TextChoices]]:
    modules = [model.__module__ for model in apps.get_models() if model.__module__.startswith("webapp.")]
    found = {}
    for name in dict.fromkeys(modules):
        content = vars(__import__(name, fromlist=["_"]))
        found |= {key: value for key, value in content.items() if key.endswith("State") and key not in NO_BADGE}
    return found


def test_knows_the_states_of_everything_that_has_some():
    enumerations = choices_called_state()
    assert len(enumerations) >= 6

    labels = {str(label).lower() for choices in enumerations.values() for label in choices.labels}

    assert labels <= STORED
    assert {*map(str, Connection), *map(str, State)} <= STORED


def test_the_colour_of_a_badge_is_that_of_the_state_in_every_language(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("webapp.dashboard.stored_words.gettext", str.upper)

    assert state("failed") == {"words": "FAILED", "colour": "red"}
    assert state("offline since yesterday")["words"] == "offline since yesterday"


def test_says_in_english_what_it_says_to_programs():
    with translation.override("en"):
        assert {in_words(words) for words in STORED} == STORED
