import pytest
import torch

from edge_runtime.serving.transfer import HostTransfer, LimitedTransfer, Source
from tests.simulators.serving_rig import FakeClock


def test_a_copy_on_the_cpu_is_in_memory_of_its_own() -> None:
    source = torch.arange(12.0).reshape(3, 4)

    (copy,) = HostTransfer().copy([Source(source, torch.float32)])

    assert torch.equal(copy, source)
    assert copy.is_contiguous()
    assert copy.untyped_storage().data_ptr() != source.untyped_storage().data_ptr()


def test_weights_stored_in_half_precision_are_resident_in_the_networks_own() -> None:
    (copy,) = HostTransfer().copy([Source(torch.ones(3, dtype=torch.float16), torch.float32)])

    assert copy.dtype == torch.float32


def test_a_limited_link_takes_as_long_as_its_bandwidth_says(clock: FakeClock) -> None:
    transfer = LimitedTransfer(HostTransfer(), bytes_per_s=1000, pause=clock.advance, clock=clock)
    started_at = clock.now

    transfer.copy([Source(torch.zeros(50), torch.float32), Source(torch.zeros(25), torch.float32)])

    assert clock.now - started_at == pytest.approx(0.3)


def test_waking_up_late_costs_a_limited_link_none_of_its_time(clock: FakeClock) -> None:
    def oversleep(seconds: float) -> None:
        clock.advance(seconds + 0.05)

    transfer = LimitedTransfer(HostTransfer(), bytes_per_s=1000, pause=oversleep, clock=clock)
    started_at = clock.now
    for _ in range(4):
        transfer.copy([Source(torch.zeros(25), torch.float32)])

    assert clock.now - started_at == pytest.approx(0.4 + 0.05)


def test_a_limited_link_that_was_idle_makes_up_for_nothing(clock: FakeClock) -> None:
    transfer = LimitedTransfer(HostTransfer(), bytes_per_s=1000, pause=clock.advance, clock=clock)
    transfer.copy([Source(torch.zeros(25), torch.float32)])
    clock.advance(5.0)
    started_at = clock.now
    transfer.copy([Source(torch.zeros(25), torch.float32)])

    assert clock.now - started_at == pytest.approx(0.1)


def test_an_empty_copy_is_none(clock: FakeClock) -> None:
    assert HostTransfer().copy([]) == []
