"""Which measurements stand beside each other after an approval."""

from datetime import UTC, datetime, timedelta

from webapp.merges.models import Decision, Verdict
from webapp.merges.outcome import outcome
from webapp.telemetry.selectors import BundleFigures

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def _figures(version: int, minutes: float) -> BundleFigures:
    """Of a bundle that began to run `minutes` after the approval."""
    since = NOW + timedelta(minutes=minutes)
    return BundleFigures(version, since, since, 60.0, 1.0, 1.0, 0.0, 0.0, 10, 10, 0.0, 1.0, None)


def _decision(verdict: Verdict, minutes: float = 0) -> Decision:
    return Decision(verdict=verdict, at=NOW + timedelta(minutes=minutes))


def test_sets_the_last_bundle_before_the_approval_beside_the_newest_after_it():
    figures = [_figures(3, 5), _figures(1, -9), _figures(2, -3), _figures(4, 8)]

    shown = outcome([_decision(Verdict.APPROVE)], figures)
    assert (shown.before.version, shown.after.version) == (2, 4)


def test_waits_for_the_box_to_measure_the_new_bundle():
    assert outcome([_decision(Verdict.APPROVE)], [_figures(1, -9)]).after is None


def test_has_nothing_to_show_without_an_approval_or_without_a_measurement_before_it():
    assert outcome([_decision(Verdict.REJECT)], [_figures(1, -9)]) is None
    assert outcome([_decision(Verdict.APPROVE)], [_figures(2, 3)]) is None


def test_counts_from_the_last_approval_when_there_were_several():
    decisions = [_decision(Verdict.APPROVE), _decision(Verdict.REVERT, 2), _decision(Verdict.APPROVE, 4)]

    shown = outcome(decisions, [_figures(1, -9), _figures(2, 1), _figures(3, 3), _figures(4, 5)])
    assert (shown.before.version, shown.after.version) == (3, 4)


def test_leaves_out_what_ran_after_the_group_was_reverted():
    decisions = [_decision(Verdict.APPROVE), _decision(Verdict.REVERT, 4)]

    shown = outcome(decisions, [_figures(1, -9), _figures(2, 1), _figures(3, 5)])
    assert (shown.before.version, shown.after.version) == (1, 2)
