"""Merge runs and what people decide about their merged groups."""
