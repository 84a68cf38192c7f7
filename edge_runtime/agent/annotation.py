"""Answers drawn on a picture: zones and boxes with labels for detection, a caption line for classification."""

import cv2
import numpy as np
import supervision as sv

from edge_runtime.agent.finds import shown
from edge_runtime.answers.results import Result
from edge_runtime.vision.spec import Classification, Detections

_LINE = 22


def annotated(image: np.ndarray, results: tuple[Result, ...]) -> np.ndarray:
    """Draws on `image`, (H, W, 3) uint8 RGB, and returns it. Each query has its own colour, in order of its name."""
    ordered = sorted(results, key=lambda result: (result.name, result.query))
    captions = []
    for position, result in enumerate(ordered):
        if isinstance(result.prediction, Detections):
            image = _with_zone(image, result, position)
            image = _with_boxes(image, result, result.prediction, position)
        else:
            captions.append(_caption(result, result.prediction))
    return _with_captions(image, captions)


def _with_zone(image: np.ndarray, result: Result, position: int) -> np.ndarray:
    """The outline in the query's colour, and a tint so light that the picture stays as it is."""
    if not result.zone:
        return image
    height, width = image.shape[:2]
    corners = np.rint(np.array(result.zone) * (width - 1, height - 1)).astype(np.int32)
    colour = sv.ColorPalette.DEFAULT.by_idx(position)
    image = sv.draw_filled_polygon(image, corners, colour, opacity=0.12)
    return sv.draw_polygon(image, corners, colour, thickness=1)


def _with_boxes(image: np.ndarray, result: Result, found: Detections, position: int) -> np.ndarray:
    height, width = image.shape[:2]
    wanted = shown(result, found)
    if not wanted:
        return image
    boxes = sv.Detections(
        xyxy=np.asarray(found.boxes)[wanted] * np.array([width, height, width, height], np.float32),
        confidence=np.asarray(found.scores)[wanted],
        class_id=np.full(len(wanted), position),
    )
    labels = [f"{result.classes[int(found.labels[i])]} {found.scores[i]:.0%}" for i in wanted]
    image = sv.BoxAnnotator(thickness=1).annotate(image, boxes)
    return sv.LabelAnnotator(text_scale=0.3, text_padding=2).annotate(image, boxes, labels)


def _caption(result: Result, answer: Classification) -> str:
    return f"{result.name}: {result.classes[answer.label]} {float(answer.probabilities[answer.label]):.0%}"


def _with_captions(image: np.ndarray, captions: list[str]) -> np.ndarray:
    """White text on a darkened strip along the lower edge."""
    if not captions:
        return image
    height = image.shape[0]
    top = max(0, height - _LINE * len(captions) - 4)
    image[top:] = image[top:] // 3
    for line, caption in enumerate(captions):
        # The font knows ASCII only.
        text = caption.encode("ascii", "replace").decode()
        origin = (8, top + _LINE * (line + 1) - 4)
        cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)
    return image
