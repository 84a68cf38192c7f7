"""Merge strategies, one file each."""
