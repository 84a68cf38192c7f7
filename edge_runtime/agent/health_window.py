"""Whether a new bundle does well in its first minute: pure. Fed with the statistics that the box sends anyway.

Judged is what the bundle changed: models that fail, frames lost where the bundle before lost few with the same queries,
and answers that have nothing to do with the originals'. Finer differences are for those who watch accuracy over days.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge_runtime.protocol.messages import QuerySample

WARM_UP_S = 10.0  # models load for the first time
FAILING_S = 5.0  # a model that fails once and recovers is no reason
LOST_AT_LEAST, LOST_MORE = 0.5, 0.3  # of the frames: so many, and so much more than before
AGREEMENT_FRAMES = 10
AGREEMENT_MISSING = 0.2  # below a query's accuracy target
FRAMES_TO_JUDGE = 50


@dataclass(frozen=True)
class Verdict:
    """`reason`: one sentence, empty when healthy."""

    is_healthy: bool
    reason: str = ""


@dataclass(frozen=True)
class Loss:
    """Frames of all queries together."""

    captured: int = 0
    lost: int = 0

    @property
    def fraction(self) -> float:
        return self.lost / self.captured if self.captured else 0.0

    def plus(self, samples: Iterable[QuerySample]) -> "Loss":
        samples = tuple(samples)
        captured = sum(sample.captured for sample in samples)
        return Loss(self.captured + captured, self.lost + sum(sample.dropped + sample.late for sample in samples))


class HealthWindow:
    """Of one bundle. `before`: what its predecessor lost with the same queries, None where there is nothing to compare.

    `targets`: accuracy targets by query; times are monotonic seconds.
    """

    def __init__(
        self, opened_at: float, window_s: float, *, before: Loss | None, targets: Mapping[str, float], name: str
    ) -> None:
        self._opened_at, self._window_s, self._before = opened_at, window_s, before
        self._targets, self._name = targets, name
        self._loss = Loss()
        self._failing_since: float | None = None
        self._agreements: dict[str, tuple[float, int]] = {}
        self._problem = ""

    def note(self, now: float, samples: Iterable[QuerySample], problems: Mapping[str, str]) -> None:
        """One interval of statistics. `problems`: sentences by query whose model fails."""
        samples = tuple(samples)
        if now - self._opened_at >= min(WARM_UP_S, self._window_s / 2):
            self._loss = self._loss.plus(samples)
        for sample in samples:
            if sample.agreement is not None:
                self._agreements[sample.query] = (sample.agreement, sample.agreement_frames)
        self._problem = next(iter(problems.values()), "")
        if not problems:
            self._failing_since = None
        elif self._failing_since is None:
            self._failing_since = now

    def verdict(self, now: float) -> Verdict | None:
        """None while it is too early to say."""
        reason = self._failing(now) or self._losing() or self._disagreeing()
        if reason:
            return Verdict(False, f"{self._name} {reason}")
        return Verdict(True) if now - self._opened_at >= self._window_s and self._failing_since is None else None

    def _failing(self, now: float) -> str:
        if self._failing_since is None or now - self._failing_since < min(FAILING_S, self._window_s / 2):
            return ""
        return f"failed: {self._problem}"

    def _losing(self) -> str:
        if self._before is None or self._loss.captured < FRAMES_TO_JUDGE or self._before.captured < FRAMES_TO_JUDGE:
            return ""
        lost, before = self._loss.fraction, self._before.fraction
        if lost < LOST_AT_LEAST or lost - before < LOST_MORE:
            return ""
        return f"lost {lost:.0%} of the frames, where {before:.0%} were lost before it."

    def _disagreeing(self) -> str:
        for query, (agreement, frames) in self._agreements.items():
            target = self._targets.get(query)
            if target is not None and frames >= AGREEMENT_FRAMES and agreement < target - AGREEMENT_MISSING:
                return (
                    f"answered like the originals on only {agreement:.0%} of {frames} sampled frames of one query, "
                    f"whose target is {target:.0%}."
                )
        return ""
