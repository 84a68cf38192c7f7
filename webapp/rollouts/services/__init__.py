"""Publishing bundles and taking in what boxes report."""

from webapp.rollouts.services.bundles import BlobsMissing, bundle_cancel, bundle_publish, bundle_retry
from webapp.rollouts.services.measurements import measured_record
from webapp.rollouts.services.reports import report_record
from webapp.rollouts.services.signing import signing_key_rotate

__all__ = [
    "BlobsMissing",
    "bundle_cancel",
    "bundle_publish",
    "bundle_retry",
    "measured_record",
    "report_record",
    "signing_key_rotate",
]
