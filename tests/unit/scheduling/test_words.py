import pytest

from edge_runtime.scheduling.words import Budget, ModelProfile, Profiles, missing


def test_the_visit_order_puts_models_that_share_next_to_each_other(street: Profiles) -> None:
    order = street.visit_order

    assert sorted(order) == ["cars", "people", "signs"]
    assert abs(order.index("cars") - order.index("people")) == 1


def test_a_tensor_of_two_models_is_shared_and_any_other_is_not(street: Profiles) -> None:
    assert street.shared_digests() == {"trunk"}


def test_only_tensors_that_are_not_resident_are_missing(street: Profiles) -> None:
    assert missing(street.by_slot["people"], {"trunk": 60, "cars": 40}) == ("people",)


@pytest.mark.parametrize(("frames", "size"), [(1, 1), (2, 2), (3, 4), (4, 4), (9, 4)])
def test_frames_run_in_the_smallest_measured_batch_that_holds_them(street: Profiles, frames: int, size: int) -> None:
    assert street.by_slot["cars"].batch_for(frames).size == size


@pytest.mark.parametrize(("room", "size"), [(5, 1), (10, 1), (20, 2), (39, 2), (40, 4)])
def test_a_batch_is_as_large_as_its_activations_find_room(street: Profiles, room: int, size: int) -> None:
    assert street.by_slot["cars"].largest_batch(room).size == size


def test_load_time_is_bytes_over_bandwidth_and_nothing_when_unknown() -> None:
    assert Budget(1000, load_bytes_per_s=200).load_ms(50) == pytest.approx(250)
    assert Budget(1000).load_ms(50) == 0


def test_a_model_needs_its_weights_and_one_frame(street: Profiles) -> None:
    model: ModelProfile = street.by_slot["cars"]

    assert model.least_bytes == 60 + 40 + 10
