"""Publishing bundles and taking in what boxes report."""

from webapp.rollouts.services.bundles import BlobsMissing, bundle_publish
from webapp.rollouts.services.measurements import measured_record
from webapp.rollouts.services.reports import report_record

__all__ = ["BlobsMissing", "bundle_publish", "measured_record", "report_record"]
