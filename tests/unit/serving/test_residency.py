import pytest

from edge_runtime.serving.residency import Residency

TENSORS = {"cars": ("a", "b"), "people": ("b", "c")}


@pytest.fixture
def residency() -> Residency:
    residency = Residency(10.0)
    residency.retarget(TENSORS)
    return residency


def test_a_model_counts_while_all_of_its_tensors_are_there(residency: Residency) -> None:
    residency.note(11.0, {"a", "b"})
    residency.note(13.0, {"b", "c"})
    assert residency.take(14.0) == {"cars": 0.5, "people": 0.25}


def test_what_is_resident_stays_so_until_something_else_is_noted(residency: Residency) -> None:
    residency.note(10.0, {"a", "b", "c"})
    residency.take(11.0)
    assert residency.take(12.0) == {"cars": 1.0, "people": 1.0}


def test_no_time_at_all_is_no_share(residency: Residency) -> None:
    residency.note(10.0, {"a", "b"})
    assert residency.take(10.0) == {"cars": 0.0, "people": 0.0}


def test_a_new_bundle_keeps_the_time_of_models_that_stay(residency: Residency) -> None:
    residency.note(10.0, {"a", "b", "c"})
    residency.note(11.0, {"a", "b"})
    residency.retarget({"cars": ("a", "b"), "dogs": ("d",)})
    assert residency.take(12.0) == {"cars": 1.0, "dogs": 0.0}
