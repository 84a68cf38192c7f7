import pytest

from edge_runtime.scheduling.admission import BudgetTooSmall, fits, full_budget, require_fits, smallest_budget
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
        require_fits(street.models, Budget(90))

    assert refused.value.needed_bytes == 110
    assert refused.value.slot in str(refused.value)
    assert "90 B" in str(refused.value)
    assert "110 B" in str(refused.value)


def test_no_models_fit_any_budget() -> None:
    require_fits((), Budget(0))
