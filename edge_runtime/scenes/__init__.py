"""Rendered street scenes with exact ground truth: a camera and a data set that need no recording."""

from edge_runtime.scenes.address import SceneError, SceneSpec, parse_scene
from edge_runtime.scenes.scene import Scene, SceneFrame

__all__ = ["Scene", "SceneError", "SceneFrame", "SceneSpec", "parse_scene"]
