"""Merge strategies, one file each, and the one registry of them."""

from edge_runtime.protocol.errors import GemelError
from workers.merging.history import Strategy
from workers.merging.strategies.gemel import Gemel
from workers.merging.strategies.maximal import Maximal
from workers.merging.strategies.optimistic import Optimistic
from workers.merging.strategies.stem import Stem

_STRATEGIES: tuple[type[Strategy], ...] = (Optimistic, Gemel, Stem, Maximal)
DEFAULT = Optimistic.name


class UnknownStrategy(GemelError):
    code = "unknown_strategy"


def strategy_names() -> tuple[str, ...]:
    return tuple(kind.name for kind in _STRATEGIES)


def strategy(name: str) -> Strategy:
    """Raises UnknownStrategy."""
    for kind in _STRATEGIES:
        if kind.name == name:
            return kind()
    raise UnknownStrategy(f'There is no merge strategy "{name}". Choose one of: {", ".join(strategy_names())}.')
