"""Watching for drift and doing about it what the site wants."""

from webapp.drift.services.following import drifts_follow
from webapp.drift.services.settings import drift_settings_update

__all__ = ["drift_settings_update", "drifts_follow"]
