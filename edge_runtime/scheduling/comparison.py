"""Simulates one workload in several memory settings under several policies, as rows for a table. Pure."""

from collections.abc import Iterable, Iterator

import msgspec

from edge_runtime.protocol.sizes import format_size
from edge_runtime.scheduling.measured import MeasuredBundle
from edge_runtime.scheduling.simulation import Outcome, simulate
from edge_runtime.scheduling.workload import Workload

WARM_UP_S = 2.0
HEAD = f"{'memory':>8} {'budget':>10} {'policy':<14} {'in time':>8} {'captured':>9} {'swapped':>11} {'stalled':>8}"


class Row(msgspec.Struct, frozen=True):
    """`stalled_fraction`: of the time; `lost`: share of frames lost, by query."""

    setting: str
    budget_bytes: int
    policy: str
    captured: int
    processed: int
    processed_fraction: float
    swap_bytes: int
    stalled_fraction: float
    peak_bytes: int
    lost: dict[str, float]

    def line(self) -> str:
        return (
            f"{self.setting:>8} {format_size(self.budget_bytes):>10} {self.policy:<14} {self.processed_fraction:>8.1%} "
            f"{self.captured:>9} {format_size(self.swap_bytes):>11} {self.stalled_fraction:>8.1%}"
        )


def compare(
    workload: Workload,
    measured: MeasuredBundle,
    *,
    settings: Iterable[str],
    policies: Iterable[str],
    seconds: float,
    bytes_per_s: float | None = None,
) -> Iterator[Row]:
    """One row per setting and policy. `bytes_per_s`: of another link than the measured one.

    Raises SettingUnknown, BudgetTooSmall, UnknownPolicy, SlotUnprofiled.
    """
    profiles, names = measured.profiles(), tuple(policies)
    for setting in settings:
        budget = measured.budget_for(setting, bytes_per_s)
        for policy in names:
            outcome = simulate(workload, profiles, budget, policy, seconds=seconds, warm_up_s=WARM_UP_S)
            yield _row(setting, budget.limit_bytes, outcome)


def _row(setting: str, budget_bytes: int, outcome: Outcome) -> Row:
    return Row(
        setting=setting,
        budget_bytes=budget_bytes,
        policy=outcome.policy,
        captured=outcome.captured,
        processed=outcome.processed,
        processed_fraction=round(outcome.processed_fraction, 4),
        swap_bytes=outcome.swap_bytes,
        stalled_fraction=round(outcome.stalled_s / outcome.seconds, 4),
        peak_bytes=outcome.peak_bytes,
        lost={query.query: round(query.lost_fraction, 4) for query in outcome.queries},
    )
