import pytest

from workers.merging.balance import loss_weights, turns
from workers.merging.events import Basis, QueryFigures


def figures(name: str, lower: float) -> QueryFigures:
    return QueryFigures(name, 1.0, lower, lower, lower, lower, Basis.RELATIVE_ACCURACY, 0.95, lower >= 0.95)


def test_weighs_queries_by_their_gap_to_target():
    weights = loss_weights({"a": figures("a", 0.55), "b": figures("b", 0.97)}, ["a", "b"])
    assert weights["a"] == pytest.approx(3 * weights["b"])
    assert sum(weights.values()) == pytest.approx(2)


def test_weighs_equally_before_any_evaluation():
    assert loss_weights({}, ["a", "b"]) == {"a": 1.0, "b": 1.0}


def test_lets_a_query_far_ahead_of_its_target_train_seldom():
    found = {"a": figures("a", 0.98), "b": figures("b", 0.96), "c": figures("c", 0.5)}
    assert turns(found, ["a", "b", "c"]) == {"a": 2, "b": 1, "c": 1}


def test_lets_everybody_train_in_every_step_before_any_evaluation_and_when_all_are_ahead():
    assert turns({}, ["a", "b"]) == {"a": 1, "b": 1}
    assert turns({"a": figures("a", 1.0), "b": figures("b", 0.99)}, ["a", "b"]) == {"a": 1, "b": 1}
