"""Building on `meta`, where nothing holds a value, without the cost of drawing random values for nothing."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# What initialisation is made of. On meta each is a decomposition in Python that only checks shapes: two thirds of the
# time that building a deep network takes.
_FILLING = frozenset(
    {
        *(Tensor.normal_, Tensor.uniform_, Tensor.erfinv_, Tensor.fill_, Tensor.zero_, Tensor.mul_, Tensor.add_),
        *(Tensor.clamp_, nn.init.kaiming_uniform_, nn.init.normal_, nn.init.uniform_, nn.init.constant_),
    }
)


class _Unfilled(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _FILLING:
            filled = kwargs["tensor"] if "tensor" in kwargs else args[0]
            if filled.is_meta:
                return filled
        return func(*args, **kwargs)


@contextlib.contextmanager
def on_device(device: str | torch.device) -> Iterator[None]:
    """New tensors are on `device`; on "meta" they are not filled either."""
    with torch.device(device), _Unfilled() if torch.device(device).type == "meta" else contextlib.nullcontext():
        yield
