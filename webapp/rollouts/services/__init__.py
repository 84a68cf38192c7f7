"""Publishing bundles, taking in what boxes report, and rollouts to many boxes."""

from webapp.rollouts.services.advancing import rollout_advance, rollouts_unsettled
from webapp.rollouts.services.bundles import BlobsMissing, bundle_cancel, bundle_publish, bundle_retry
from webapp.rollouts.services.measurements import measured_record
from webapp.rollouts.services.reports import report_record
from webapp.rollouts.services.rollouts import (
    rollout_abort,
    rollout_pause,
    rollout_resume,
    rollout_roll_back,
    rollout_start,
)
from webapp.rollouts.services.signing import signing_key_rotate
from webapp.rollouts.services.withdrawing import placement_withdraw

__all__ = [
    "BlobsMissing",
    "bundle_cancel",
    "bundle_publish",
    "bundle_retry",
    "measured_record",
    "placement_withdraw",
    "report_record",
    "rollout_abort",
    "rollout_advance",
    "rollout_pause",
    "rollout_resume",
    "rollout_roll_back",
    "rollout_start",
    "rollouts_unsettled",
    "signing_key_rotate",
]
