"""Alerts: what is wrong in a fleet right now, who is told, and who has seen it."""
