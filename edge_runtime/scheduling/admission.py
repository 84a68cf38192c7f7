"""Whether a set of models can be served within a budget at all, and the budgets that experiments name. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.sizes import SizeError, format_size, parse_size
from edge_runtime.scheduling.words import Budget, ModelProfile


def model_words(slot: str, queries: Sequence[str]) -> str:
    """A model as people know it: by the names of the queries that it answers."""
    if not queries:
        return f"model {slot}"
    return f"the model of {'query' if len(queries) == 1 else 'queries'} {' and '.join(queries)}"


class BudgetTooSmall(GemelError):
    """`needed_bytes`: the smallest budget that would do; `slot`: the model that needs it; `queries`: their names."""

    code = "budget_too_small"

    def __init__(self, slot: str, needed_bytes: int, limit_bytes: int, queries: Sequence[str] = ()) -> None:
        self.slot = slot
        self.needed_bytes = needed_bytes
        self.limit_bytes = limit_bytes
        super().__init__(
            f"The memory budget of {format_size(limit_bytes)} is too small: {model_words(slot, queries)} alone needs "
            f"{format_size(needed_bytes)}. Nothing was changed; raise the budget or take that model off this box."
        )

    def naming(self, queries: Mapping[str, Sequence[str]]) -> "BudgetTooSmall":
        """The same with `queries`, their names by slot."""
        return BudgetTooSmall(self.slot, self.needed_bytes, self.limit_bytes, queries.get(self.slot, ()))


def smallest_budget(profiles: Iterable[ModelProfile], overhead_bytes: int = 0) -> int:
    """Bytes in which every model can run, one at a time, on one frame ("min" in experiments)."""
    return max((model.least_bytes for model in profiles), default=0) + overhead_bytes


def full_budget(profiles: Iterable[ModelProfile], overhead_bytes: int = 0) -> int:
    """Bytes in which all models are resident, each tensor once, and any one runs on one frame ("all")."""
    models = tuple(profiles)
    tensors = {digest: size for model in models for digest, size in model.tensors.items()}
    activations = max((model.batches[0].activation_bytes for model in models), default=0)
    return sum(tensors.values()) + activations + overhead_bytes


class SettingUnknown(GemelError):
    code = "memory_setting"


def named_budget(setting: str, profiles: Iterable[ModelProfile], overhead_bytes: int = 0) -> int:
    """Bytes of "min" (one model at a time), "all" (everything resident), "50%" (half way between), or of a size.

    Raises SettingUnknown.
    """
    models = tuple(profiles)
    least, most = smallest_budget(models, overhead_bytes), full_budget(models, overhead_bytes)
    try:
        if setting in ("min", "all"):
            return least if setting == "min" else most
        if setting.endswith("%"):
            return round(least + float(setting[:-1]) / 100 * (most - least))
        return parse_size(setting)
    except (ValueError, SizeError) as error:
        raise SettingUnknown(f'"{setting}" is no memory setting. Use min, all, a share like 50%, or 300MiB.') from error


def fits(profiles: Iterable[ModelProfile], budget: Budget) -> bool:
    return smallest_budget(profiles, budget.overhead_bytes) <= budget.limit_bytes


def require_fits(profiles: Iterable[ModelProfile], budget: Budget, queries: Mapping[str, Sequence[str]]) -> None:
    """Raises BudgetTooSmall for the model that needs most when `budget` cannot hold it. `queries`: names by slot."""
    models = tuple(profiles)
    if not fits(models, budget):
        largest = max(models, key=lambda model: model.least_bytes)
        needed_bytes = smallest_budget(models, budget.overhead_bytes)
        raise BudgetTooSmall(largest.slot, needed_bytes, budget.limit_bytes, queries.get(largest.slot, ()))
