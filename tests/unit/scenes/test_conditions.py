import itertools
from collections import Counter

import pytest

from edge_runtime.scenes.conditions import CROSSINGS, LIGHTS, TRAFFICS, WEATHERS, ConditionPlan, Conditions


def test_no_word_belongs_to_two_vocabularies():
    words = LIGHTS + WEATHERS + TRAFFICS + CROSSINGS
    assert len(set(words)) == len(words)


@pytest.mark.parametrize("light", LIGHTS)
@pytest.mark.parametrize("weather", WEATHERS)
def test_a_fixed_word_holds_for_ever(light, weather):
    plan = ConditionPlan(light, weather, "quiet", seed=1)
    assert {(plan.at(t).light_word, plan.at(t).weather_word) for t in range(0, 300, 7)} == {(light, weather)}


def test_a_cycle_shows_every_word_within_two_minutes():
    plan = ConditionPlan("cycle", "cycle", "cycle", seed=5)
    seen = [plan.at(t) for t in range(120)]
    lights, weathers = Counter(c.light_word for c in seen), Counter(c.weather_word for c in seen)
    assert set(lights) == set(LIGHTS)
    assert set(weathers) == set(WEATHERS)
    assert min(*lights.values(), *weathers.values()) > 10


def test_a_cycle_moves_smoothly():
    plan = ConditionPlan("cycle", "cycle", "cycle", seed=5)
    levels = [(c.light, c.rain, c.fog) for c in (plan.at(t / 10) for t in range(1200))]
    steps = [abs(a - b) for before, after in itertools.pairwise(levels) for a, b in zip(before, after, strict=True)]
    assert max(steps) <= 0.1


def test_most_of_a_cycle_rests_on_a_word():
    plan = ConditionPlan("cycle", "cycle", "cycle", seed=2)
    resting = [plan.at(t).light in (0.0, 1.0, 2.0) for t in range(960)]
    assert sum(resting) > 0.75 * len(resting)


def test_words_turn_halfway():
    assert Conditions(light=0.4, rain=0.45, fog=0.0).light_word == "day"
    assert Conditions(light=0.4, rain=0.45, fog=0.0).weather_word == "clear"
    assert Conditions(light=1.6, rain=0.0, fog=0.55).light_word == "night"
    assert Conditions(light=1.6, rain=0.0, fog=0.55).weather_word == "fog"


def test_a_day_that_turns_to_a_rainy_night_does_so_once_and_for_good():
    plan = ConditionPlan("day-night", "clear-rain", "quiet", seed=1, turn_s=40)
    words = [(plan.at(t).light_word, plan.at(t).weather_word) for t in range(0, 400, 5)]
    assert words[:9] == [("day", "clear")] * 9
    assert set(words[10:]) == {("night", "rain")}
    levels = [plan.at(t / 10).light for t in range(600)]
    assert levels == sorted(levels)
