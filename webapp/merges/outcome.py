"""What the box measured before and after an approval."""

from collections.abc import Iterable
from dataclasses import dataclass

from webapp.merges.models import Decision, Verdict
from webapp.telemetry.selectors import BundleFigures


@dataclass(frozen=True)
class Outcome:
    """`after` is None until the box has run the new bundle long enough to measure it."""

    before: BundleFigures
    after: BundleFigures | None


def outcome(decisions: Iterable[Decision], figures: Iterable[BundleFigures]) -> Outcome | None:
    """The bundle that ran when the group was last approved beside the newest that came after, up to a revert.

    None where unknown.
    """
    told = sorted(decisions, key=lambda decision: decision.at)
    approved_at = next((one.at for one in reversed(told) if one.verdict == Verdict.APPROVE), None)
    if approved_at is None:
        return None
    reverted_at = next((one.at for one in told if one.verdict == Verdict.REVERT and one.at > approved_at), None)
    measured = sorted(figures, key=lambda figure: figure.version)
    before = [figure for figure in measured if figure.since <= approved_at]
    after = [one for one in measured if one.since > approved_at and (reverted_at is None or one.since < reverted_at)]
    return Outcome(before[-1], after[-1] if after else None) if before else None
