"""Recording what queries found, and keeping it within its retention."""

from webapp.results.services.counts import Counted, counts_add, counts_prune
from webapp.results.services.events import event_pictures_forget, event_record, events_prune
from webapp.results.services.hours import count_hours_again, count_hours_update

__all__ = [
    "Counted",
    "count_hours_again",
    "count_hours_update",
    "counts_add",
    "counts_prune",
    "event_pictures_forget",
    "event_record",
    "events_prune",
]
