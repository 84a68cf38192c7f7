"""Recording what queries found, and keeping it within its retention."""

from webapp.results.services.counts import Counted, counts_add, counts_prune
from webapp.results.services.events import event_pictures_forget, event_record, events_prune

__all__ = ["Counted", "counts_add", "counts_prune", "event_pictures_forget", "event_record", "events_prune"]
