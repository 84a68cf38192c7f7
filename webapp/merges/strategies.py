"""The merge strategies on offer, in words for a person. The merging core has the same ones; a test compares."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy


@dataclass(frozen=True)
class Strategy:
    """`sentence` says what choosing it means, to somebody who has not read the paper."""

    name: str
    title: str
    sentence: str
    is_recommended: bool = False

    def __str__(self) -> str:
        return str(self.title)


STRATEGIES = (
    Strategy(
        "optimistic",
        gettext_lazy("Optimistic"),
        gettext_lazy(
            "Shares everything that is alike, retrains all models together, and takes back only what costs a "
            "query its target."
        ),
        is_recommended=True,
    ),
    Strategy(
        "gemel",
        gettext_lazy("Gemel"),
        gettext_lazy(
            "Shares one kind of layer after the other, the heaviest first, and keeps what holds every "
            "target. The published method: careful, and slow."
        ),
    ),
    Strategy(
        "stem",
        gettext_lazy("Stem"),
        gettext_lazy(
            "Shares only the first layers of the models, up to where they begin to differ. Simple; saves little."
        ),
    ),
    Strategy(
        "maximal",
        gettext_lazy("Maximal"),
        gettext_lazy(
            "Shares everything whatever it costs. Shows the most that could be saved; queries may fall below target."
        ),
    ),
)
DEFAULT = next(strategy.name for strategy in STRATEGIES if strategy.is_recommended)


def strategy_names() -> tuple[str, ...]:
    return tuple(strategy.name for strategy in STRATEGIES)


def strategy_title(name: str) -> str:
    """The name itself where it is one of another time."""
    return next((strategy.title for strategy in STRATEGIES if strategy.name == name), name)
