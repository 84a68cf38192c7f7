"""Bundles on the box's disk: download, verify, stage, activate, roll back."""
