import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.accuracy.windows import WindowAccuracy, sums_of, window_accuracy
from webapp.common.errors import InvalidInput
from webapp.drift.judging import bar_of, has_drifted
from webapp.drift.models import DriftState, Response
from webapp.drift.policies import Progress, Step, check_settings, next_step
from webapp.merges.models import MergedGroupState
from webapp.workloads.models import DatasetState

APPROVED = MergedGroupState.APPROVED
RIGHT, WRONG = (2, 0), (0, 2)


def window(right, wrong):
    return window_accuracy(sums_of([RIGHT] * right + [WRONG] * wrong))


def test_a_group_judged_on_labels_is_asked_for_its_target_of_what_agreement_was_at_first():
    assert bar_of(0.95, None) == 0.95
    assert bar_of(0.95, 0.8) == pytest.approx(0.76)


def test_few_frames_and_bad_luck_revert_nothing():
    assert not has_drifted(None, 0.95, 30)
    assert not has_drifted(window(5, 15), 0.95, 30)
    assert not has_drifted(window(28, 4), 0.95, 30)  # 87.5 %, but the truth may well be 95 %
    assert has_drifted(window(20, 12), 0.95, 30)


def test_a_window_at_the_bar_has_not_drifted():
    assert not has_drifted(WindowAccuracy(0.9, 0.8, 0.95, 100), 0.95, 30)


@pytest.mark.parametrize(
    ("state", "response", "progress", "expected"),
    [
        (DriftState.FOUND, Response.ALERT, Progress(True, True), Step.NOTHING),
        (DriftState.FOUND, Response.REVERT, Progress(True, True), Step.REVERT),
        (DriftState.FOUND, Response.MERGE, Progress(False, True), Step.RECOVER),
        (DriftState.FOUND, Response.MERGE, Progress(True, False), Step.RECOVER),
        (DriftState.REVERTED, Response.REVERT, Progress(False, False), Step.NOTHING),
        (DriftState.REVERTED, Response.REVERT, Progress(False, False, is_told=True), Step.END),
        (DriftState.REVERTED, Response.MERGE, Progress(False, False), Step.COLLECT),
        (DriftState.REVERTED, Response.MERGE, Progress(False, False, is_where_found=False), Step.NOTHING),
        (DriftState.REVERTED, Response.MERGE, Progress(False, True, is_where_found=False), Step.END),
        (DriftState.FAILED, Response.MERGE, Progress(False, False), Step.NOTHING),
        (DriftState.FAILED, Response.MERGE, Progress(False, False, is_told=True), Step.END),
    ],
)
def test_does_as_much_as_the_site_wants(state, response, progress, expected):
    assert next_step(state, response, progress) is expected


def going_on(state, **progress):
    return next_step(state, Response.MERGE, Progress(False, False, **progress))


def test_waits_for_frames_the_merge_and_the_decision_one_after_the_other():
    ready, collecting, rejected = DatasetState.READY, DatasetState.COLLECTING, DatasetState.REJECTED
    assert going_on(DriftState.COLLECTING, datasets=(ready, collecting)) is Step.NOTHING
    assert going_on(DriftState.COLLECTING, datasets=(ready, ready)) is Step.START_MERGE
    assert going_on(DriftState.COLLECTING, datasets=(ready, rejected)) is Step.FAIL
    assert going_on(DriftState.COLLECTING) is Step.FAIL
    assert going_on(DriftState.MERGING, run="running") is Step.NOTHING
    assert going_on(DriftState.MERGING, run="succeeded") is Step.FAIL
    waiting = (MergedGroupState.WAITING,)
    assert going_on(DriftState.MERGING, run="failed", new_groups=waiting) is Step.AWAIT_DECISION
    assert going_on(DriftState.WAITING, run="succeeded", new_groups=waiting) is Step.NOTHING
    assert going_on(DriftState.WAITING, run="succeeded", new_groups=(APPROVED,)) is Step.END


@given(st.sampled_from(DriftState), st.sampled_from(Response), st.booleans(), st.booleans())
def test_reverts_only_what_was_found_drifts_now_and_runs(state, response, is_drifting, is_running):
    if next_step(state, response, Progress(is_drifting, is_running)) is Step.REVERT:
        assert (state, is_drifting, is_running) == (DriftState.FOUND, True, True)
        assert response is not Response.ALERT


def test_settings_that_make_no_sense_are_refused_by_name():
    with pytest.raises(InvalidInput, match="one day"):
        check_settings(Response.ALERT, window_s=90_000)
    with pytest.raises(InvalidInput, match="response"):
        check_settings("shout")
    check_settings(Response.MERGE, window_s=60, frames_min=10, merge_frames=100, merge_span_s=10)
