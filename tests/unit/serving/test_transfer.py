import pytest
import torch

from edge_runtime.serving.transfer import HostTransfer, LimitedTransfer, Source
from tests.simulators.serving_rig import FakeClock


def test_a_copy_on_the_cpu_is_in_memory_of_its_own() -> None:
    source = torch.arange(12.0).reshape(3, 4)

    (copy,) = HostTransfer().copy([Source(source, torch.float32)])

    assert torch.equal(copy, source)
    assert copy.untyped_storage().data_ptr() != source.untyped_storage().data_ptr()


def test_weights_stored_in_half_precision_are_resident_in_the_networks_own() -> None:
    (copy,) = HostTransfer().copy([Source(torch.ones(3, dtype=torch.float16), torch.float32)])

    assert copy.dtype == torch.float32


def test_a_limited_link_takes_as_long_as_its_bandwidth_says(clock: FakeClock) -> None:
    transfer = LimitedTransfer(HostTransfer(), bytes_per_s=1000, pause=clock.advance, clock=clock)
    started_at = clock.now

    transfer.copy([Source(torch.zeros(50), torch.float32), Source(torch.zeros(25), torch.float32)])

    assert clock.now - started_at == pytest.approx(0.3)
