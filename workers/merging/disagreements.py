"""Frames on which a merged model answers otherwise than its original: what a person looks at before they approve.

They are of the validation and test frames that were judged, an even selection over time, with both answers and the
label. Beside result.json: disagreements.json, and disagreements/*.jpg with the frames as the data set has them. Nothing
is decided by them.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import cv2
import msgspec
import numpy as np
import torch

from edge_runtime.bundles.files import write_atomically
from edge_runtime.vision.detections import best_first, confident
from edge_runtime.vision.metrics import frame_score, matches
from edge_runtime.vision.spec import BoxTruth, Classification, Detections, LabelTruth, Prediction, Truth
from edge_runtime.vision.tasks import functions_for
from workers.merging.evaluation import Reference, predictions
from workers.merging.memory import State
from workers.merging.pictures import DataError
from workers.merging.queries import MergingQuery

FILE, FOLDER = "disagreements.json", "disagreements"
MOST = 6  # per query
WIDTH = 640
QUALITY = 85
MOST_OBJECTS = 40  # in one answer


class Named(msgspec.Struct, frozen=True):
    """A class of the whole frame, or with `box` (xyxy, fractions of the frame) an object that stands there.

    `is_agreed`: the other model answers the same. `score` is None in a label.
    """

    label: str
    score: float | None = None
    box: tuple[float, float, float, float] | None = None
    is_agreed: bool = False


class Disagreement(msgspec.Struct, frozen=True):
    """One frame. `picture`: its file in FOLDER, "" where it could not be read; `truth` None where no label says.

    `at`: the frame's time as its label has it; seconds since 1970 where a box took it.
    """

    frame: str
    at: float
    picture: str
    width: int
    height: int
    original: tuple[Named, ...]
    merged: tuple[Named, ...]
    truth: tuple[Named, ...] | None


class QueryDisagreements(msgspec.Struct, frozen=True):
    """Of `frames` judged frames, `differing` are answered otherwise; `examples` are some of these, in order of time."""

    query: str
    frames: int
    differing: int
    examples: tuple[Disagreement, ...]


def write_disagreements(
    out: Path, queries: Sequence[MergingQuery], weights: Mapping[str, State], device: torch.device
) -> None:
    """`weights`: as shipped, of the queries that are merged. Raises OSError where the folder cannot be written."""
    folder = out / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("*.jpg"):
        stale.unlink()
    found = tuple(
        _of_query(number, query, weights[query.name], folder, device)
        for number, query in enumerate(queries)
        if query.name in weights
    )
    write_atomically(out / FILE, msgspec.json.encode(found))


def read_disagreements(out: Path) -> tuple[QueryDisagreements, ...]:
    """Nothing where the run wrote none, as older ones did. Raises msgspec.DecodeError."""
    path = out / FILE
    return msgspec.json.decode(path.read_bytes(), type=tuple[QueryDisagreements, ...]) if path.exists() else ()


def spread(severities: Sequence[float], most: int) -> list[int]:
    """At most `most` of the places whose severity is above 0: the worst of as many stretches, each with as many places.

    Neighbouring frames show the same, so the worst alone would be one scene from all sides.
    """
    differing = [place for place, severity in enumerate(severities) if severity > 0]
    count = min(most, len(differing))
    bounds = [len(differing) * part // count for part in range(count + 1)] if count else []
    stretches = [differing[start:end] for start, end in pairwise(bounds)]
    return [max(stretch, key=lambda place: severities[place]) for stretch in stretches]


def _of_query(
    number: int, query: MergingQuery, weights: State, folder: Path, device: torch.device
) -> QueryDisagreements:
    merged = copy.deepcopy(query.original)
    merged.load_state_dict(weights)
    merged = merged.to(device)
    judged = list(_judged(query, merged, device))
    severities = [_severity(original, answer, query) for _, _, original, answer in judged]
    examples = tuple(
        _example(query, judged[place], folder / f"{number}-{order}.jpg")
        for order, place in enumerate(spread(severities, MOST))
    )
    return QueryDisagreements(query.name, len(judged), sum(severity > 0 for severity in severities), examples)


_Judged = tuple[Reference, int, Prediction, Prediction]  # `int`: the place in the reference


def _judged(query: MergingQuery, merged: torch.nn.Module, device: torch.device) -> Iterator[_Judged]:
    for against in (query.validation, query.test):
        answers = predictions(merged, against.frames, against.index, device)
        for place, (original, answer) in enumerate(zip(against.answers, answers, strict=True)):
            yield against, place, original, answer


def _severity(original: Prediction, merged: Prediction, query: MergingQuery) -> float:
    """0 where both answer the same; else how sure the other class is, or how many objects only one of both finds."""
    score = frame_score(merged, functions_for(query.spec).agreement_truth(original))
    if isinstance(merged, Classification):
        return float(merged.probabilities[merged.label]) if score.false_positives else 0.0
    return float(score.false_positives + score.false_negatives)


def _example(query: MergingQuery, judged: _Judged, path: Path) -> Disagreement:
    against, place, original, merged = judged
    frame, classes = against.index[place], query.spec.classes
    label = against.frames.sources[frame].label if against.frames.sources else None
    name, size = _picture(against, frame, path)
    ours, theirs = _named(original, merged, classes), _named(merged, original, classes)
    truth = against.frames.truths[frame]
    return Disagreement(
        frame=label.file if label else str(frame),
        at=label.at if label else float(frame),
        picture=name,
        width=size[0],
        height=size[1],
        original=ours,
        merged=theirs,
        truth=None if truth is None else _labelled(truth, classes),
    )


def _named(answer: Prediction, other: Prediction, classes: Sequence[str]) -> tuple[Named, ...]:
    if isinstance(answer, Classification) and isinstance(other, Classification):
        probability = round(float(answer.probabilities[answer.label]), 3)
        return (Named(classes[answer.label], probability, is_agreed=answer.label == other.label),)
    if not isinstance(answer, Detections) or not isinstance(other, Detections):
        raise TypeError(f"{type(answer).__name__} and {type(other).__name__} are answers of different tasks.")
    mine, theirs = best_first(confident(answer)), best_first(confident(other))
    pairs = matches(BoxTruth(mine.boxes, mine.labels), BoxTruth(theirs.boxes, theirs.labels))
    agreed = {row for row, _ in pairs}
    return tuple(
        Named(classes[int(mine.labels[row])], round(float(mine.scores[row]), 3), _box(mine.boxes[row]), row in agreed)
        for row in range(min(MOST_OBJECTS, len(mine.labels)))
    )


def _labelled(truth: Truth, classes: Sequence[str]) -> tuple[Named, ...]:
    if isinstance(truth, LabelTruth):
        return (Named(classes[truth.label]),)
    objects = zip(truth.labels, truth.boxes, strict=True)
    return tuple(Named(classes[int(label)], box=_box(box)) for label, box in objects)[:MOST_OBJECTS]


def _box(box: np.ndarray) -> tuple[float, float, float, float]:
    left, top, right, bottom = (round(min(1.0, max(0.0, float(side))), 4) for side in box)
    return left, top, right, bottom


def _picture(against: Reference, frame: int, path: Path) -> tuple[str, tuple[int, int]]:
    """Writes the frame as it was before it was made to fit the network; name and (width, height)."""
    frames = against.frames
    try:
        image = frames.sources[frame].read() if frames.sources else frames.pictures[frame]
    except DataError:
        return "", (0, 0)
    height, width = image.shape[:2]
    if width > WIDTH:
        width, height = WIDTH, max(1, round(height * WIDTH / width))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not encoded:
        return "", (0, 0)
    path.write_bytes(data.tobytes())
    return path.name, (width, height)
