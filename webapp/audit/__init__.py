"""Append-only record of changes and decisions."""
