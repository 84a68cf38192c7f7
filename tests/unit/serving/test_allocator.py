import pytest
import torch

from edge_runtime.serving.allocator import CHECK_S, SLACK_BYTES, AllocatorCheck, allowed_fraction

MIB = 2**20


def test_tensors_may_take_the_budget_without_the_context_but_with_the_allocators_own_slack() -> None:
    assert allowed_fraction(1_424 * MIB, 400 * MIB, 4_352 * MIB) == pytest.approx((1_024 + 64) / 4_352)


def test_a_budget_beyond_the_device_is_all_of_it_and_one_below_the_overhead_none() -> None:
    assert allowed_fraction(9_000 * MIB, 400 * MIB, 4_096 * MIB) == 1.0
    assert allowed_fraction(100 * MIB, 400 * MIB, 4_096 * MIB) == 0.0


def test_memory_that_nobody_accounted_for_is_told_until_it_is_gone() -> None:
    held = [SLACK_BYTES + 100]
    check = AllocatorCheck(torch.device("cuda"), lambda device: held[0])

    check.note(0.0, accounted_bytes=100)
    assert check.sentence == ""

    held[0] += MIB
    check.note(CHECK_S / 2, accounted_bytes=100)
    assert check.sentence == ""  # not asked again so soon
    check.note(CHECK_S, accounted_bytes=100)
    assert "65.0 MiB where 100 B" in check.sentence

    held[0] = 100
    check.note(2 * CHECK_S, accounted_bytes=100)
    assert check.sentence == ""


def test_the_cpu_is_not_asked() -> None:
    check = AllocatorCheck(torch.device("cpu"), lambda device: 2**40)
    check.note(0.0, accounted_bytes=0)

    assert check.sentence == ""
