"""Merge runs from request to result, and decisions about merged groups."""

from webapp.merges.policies import RunSettings
from webapp.merges.services.decisions import Decided, merged_group_decide, merged_groups_decide
from webapp.merges.services.disagreements import (
    DisagreementFound,
    disagreement_pictures_forget,
    disagreements_prune,
)
from webapp.merges.services.placements import merged_group_place, merged_group_withdraw
from webapp.merges.services.results import GroupFound, MemberFound, merge_run_result_record
from webapp.merges.services.runs import (
    merge_run_cancel,
    merge_run_create,
    merge_run_ended,
    merge_run_event_record,
    merge_run_start,
    merge_run_started,
)

__all__ = [
    "Decided",
    "DisagreementFound",
    "GroupFound",
    "MemberFound",
    "RunSettings",
    "disagreement_pictures_forget",
    "disagreements_prune",
    "merge_run_cancel",
    "merge_run_create",
    "merge_run_ended",
    "merge_run_event_record",
    "merge_run_result_record",
    "merge_run_start",
    "merge_run_started",
    "merged_group_decide",
    "merged_group_place",
    "merged_group_withdraw",
    "merged_groups_decide",
]
