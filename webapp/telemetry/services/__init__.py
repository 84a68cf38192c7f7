"""Taking in statistics, adding them up per minute and hour, and removing what is older than its retention."""

from webapp.telemetry.services.rollups import rollups_prune, rollups_update
from webapp.telemetry.services.samples import samples_prune, stats_record

__all__ = ["rollups_prune", "rollups_update", "samples_prune", "stats_record"]
