"""Asking a network, teaching it and scoring it, the same for every kind of network."""

from edge_runtime.vision.architectures import Head, architecture
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.tasks.center_detection import CenterDetectionFunctions
from edge_runtime.vision.tasks.classification import ClassificationFunctions
from edge_runtime.vision.tasks.interface import TaskFunctions, Teaching
from edge_runtime.vision.tasks.torchvision_detection import TorchvisionDetectionFunctions
from edge_runtime.vision.tasks.yolo_detection import YoloDetectionFunctions

__all__ = ["TaskFunctions", "Teaching", "functions_for"]

_BY_HEAD: dict[Head, TaskFunctions] = {
    Head.LOGITS: ClassificationFunctions(),
    Head.CENTERS: CenterDetectionFunctions(),
    Head.YOLO: YoloDetectionFunctions(),
    Head.TORCHVISION_DETECTIONS: TorchvisionDetectionFunctions(),
}


def functions_for(spec: ModelSpec) -> TaskFunctions:
    """Raises UnknownArchitecture."""
    return _BY_HEAD[architecture(spec.architecture).head]
