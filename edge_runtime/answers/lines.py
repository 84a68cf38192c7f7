"""Per-frame results as lines of JSON: what `--results` writes and the local endpoint says."""

import msgspec

from edge_runtime.answers.results import Result
from edge_runtime.answers.sighting import Box, Seen
from edge_runtime.vision.detections import SCORE_THRESHOLD
from edge_runtime.vision.spec import Classification, Detections


class LineObject(msgspec.Struct, frozen=True):
    """`box`: xyxy as fractions of the picture. `track`: its number within the query, None while none follows it."""

    label: str
    score: float
    box: Box
    track: int | None


class LineAnswer(msgspec.Struct, frozen=True):
    label: str
    score: float


class ResultLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answered frame. `at`: Unix seconds of the stream. `objects` of a detection, `answer` of a classification."""

    query: str
    name: str
    camera: str
    frame: int
    at: float
    latency_ms: float
    objects: tuple[LineObject, ...] | None = None
    answer: LineAnswer | None = None


def line_of(result: Result, seen: Seen) -> bytes:
    """Without the newline at its end."""
    prediction, frame = result.prediction, result.frame
    is_detection = isinstance(prediction, Detections)
    line = ResultLine(
        query=result.query,
        name=result.name,
        camera=frame.camera,
        frame=frame.index,
        at=round(frame.at, 3),
        latency_ms=round(result.latency_ms, 1),
        objects=_objects(result, prediction, seen) if is_detection else None,
        answer=None if is_detection else _answer(result, prediction),
    )
    return msgspec.json.encode(line)


def _objects(result: Result, found: Detections, seen: Seen) -> tuple[LineObject, ...]:
    objects = []
    for index, (box, label, score) in enumerate(zip(found.boxes, found.labels, found.scores, strict=True)):
        name = result.classes[int(label)]
        if score >= SCORE_THRESHOLD and name in result.wanted:
            left, top, right, bottom = (round(float(edge), 4) for edge in box)
            objects.append(LineObject(name, round(float(score), 4), (left, top, right, bottom), seen.tracks.get(index)))
    return tuple(objects)


def _answer(result: Result, answer: Classification) -> LineAnswer:
    return LineAnswer(result.classes[answer.label], round(float(answer.probabilities[answer.label]), 4))
