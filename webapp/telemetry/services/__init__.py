"""Taking in statistics, adding them up per minute and hour, and removing what is older than its retention."""

from webapp.telemetry.services.rollups import rollups_prune, rollups_update
from webapp.telemetry.services.samples import Arrived, Recorded, samples_prune, stats_record, stats_record_all

__all__ = [
    "Arrived",
    "Recorded",
    "rollups_prune",
    "rollups_update",
    "samples_prune",
    "stats_record",
    "stats_record_all",
]
