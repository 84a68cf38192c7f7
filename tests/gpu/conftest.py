import pytest
import torch

from edge_runtime.health.cuda_context import context_bytes


@pytest.fixture(autouse=True, scope="session")
def _context_as_a_box_makes_it() -> None:
    if torch.cuda.is_available():
        context_bytes()
