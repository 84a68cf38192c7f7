"""Rendered street scenes with exact ground truth: a camera and a data set that need no recording."""
