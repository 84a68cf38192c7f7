"""What queries found, as previews show it: the same objects whether the box draws them or whoever looks."""

import numpy as np

from edge_runtime.answers.results import Result
from edge_runtime.protocol.messages import PreviewAnswer, PreviewFind
from edge_runtime.vision.spec import Detections

SHOWN_SCORE = 0.3


def shown(result: Result, found: Detections) -> list[int]:
    """Which of `found` are shown: wanted, and sure enough."""
    return [
        index
        for index, (label, score) in enumerate(zip(found.labels, found.scores, strict=True))
        if score >= SHOWN_SCORE and result.classes[int(label)] in result.wanted
    ]


def answers_of(results: tuple[Result, ...]) -> tuple[PreviewAnswer, ...]:
    """In order of the queries' names."""
    ordered = sorted(results, key=lambda result: (result.name, result.query))
    return tuple(PreviewAnswer(result.query, result.name, _finds(result), result.zone) for result in ordered)


def _finds(result: Result) -> tuple[PreviewFind, ...]:
    answer = result.prediction
    if not isinstance(answer, Detections):
        return (PreviewFind(result.classes[answer.label], float(answer.probabilities[answer.label])),)
    boxes = np.asarray(answer.boxes)
    return tuple(
        PreviewFind(
            result.classes[int(answer.labels[index])],
            float(answer.scores[index]),
            tuple(float(edge) for edge in boxes[index]),
        )
        for index in shown(result, answer)
    )
