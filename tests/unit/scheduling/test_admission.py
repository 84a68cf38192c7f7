import pytest

from edge_runtime.scheduling.admission import (
    BudgetTooSmall,
    SettingUnknown,
    fits,
    full_budget,
    named_budget,
    require_fits,
    smallest_budget,
)
from edge_runtime.scheduling.words import Budget, Profiles


def test_the_smallest_budget_holds_the_largest_model_one_frame_and_the_overhead(street: Profiles) -> None:
    assert smallest_budget(street.models, overhead_bytes=7) == 100 + 10 + 7


def test_the_full_budget_counts_a_shared_tensor_once(street: Profiles) -> None:
    assert full_budget(street.models, overhead_bytes=7) == 60 + 40 + 40 + 100 + 10 + 7


def test_a_budget_of_exactly_the_smallest_fits_and_one_byte_less_does_not(street: Profiles) -> None:
    assert fits(street.models, Budget(117, overhead_bytes=7))
    assert not fits(street.models, Budget(116, overhead_bytes=7))


def test_a_budget_below_the_largest_model_is_refused_in_one_sentence_that_names_it(street: Profiles) -> None:
    with pytest.raises(BudgetTooSmall) as refused:
        require_fits(street.models, Budget(90), {"cars": ["Find cars"]})

    assert refused.value.needed_bytes == 110
    assert "the model of query Find cars alone needs" in str(refused.value)
    assert f"model {refused.value.slot} alone" in str(refused.value.naming({}))
    named = refused.value.naming({refused.value.slot: ["one", "two"]})
    assert "the model of queries one and two alone needs 110 B" in str(named)
    assert "90 B" in str(refused.value)
    assert "110 B" in str(refused.value)


def test_no_models_fit_any_budget() -> None:
    require_fits((), Budget(0), {})


@pytest.mark.parametrize(
    ("setting", "size"), [("min", 117), ("all", 257), ("50%", 187), ("75%", 222), ("0%", 117), ("1KiB", 1024)]
)
def test_memory_settings_lie_between_one_model_and_all_of_them(street: Profiles, setting: str, size: int) -> None:
    assert named_budget(setting, street.models, overhead_bytes=7) == size


@pytest.mark.parametrize("setting", ["half", "%", "", "300 parrots"])
def test_an_unknown_memory_setting_is_refused(street: Profiles, setting: str) -> None:
    with pytest.raises(SettingUnknown, match="min, all"):
        named_budget(setting, street.models)
