"""Cameras: capture, decode, pacing, reconnection. One bad camera never disturbs another."""
