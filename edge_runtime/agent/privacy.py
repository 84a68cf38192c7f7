"""What of a camera's pictures may leave the box: every picture passes through here, or stays.

BLURRED means: every person that is known to be in the picture is made unrecognisable. Known is what the source itself
says (a rendered scene) and what any detection query of that camera found on the same frame. Where nobody looks for
people, nothing can be promised, so a data set is refused and a look at the camera shows coarse blocks only.
"""

from dataclasses import dataclass

import numpy as np

from edge_runtime.agent.pictures import blurred, pixelated
from edge_runtime.answers.results import Result
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.target import Privacy
from edge_runtime.vision.spec import Detections, Frame

PERSON_CLASSES = frozenset({"person", "people", "pedestrian", "rider", "cyclist"})
# Far below what counts as a find: a needless blur costs little, a missed person much.
_MINIMUM_SCORE = 0.15


class PrivacyRefusal(GemelError):
    code = "privacy"


class NobodyFindsPeople(PrivacyRefusal):
    """May change as soon as a detector answers."""

    is_retryable = True


@dataclass(frozen=True)
class Cleared:
    """A picture that may leave the box, and the frame it was made from."""

    frame: Frame
    image: np.ndarray


def cleared_for_dataset(privacy: Privacy, latest: Frame | None, results: tuple[Result, ...]) -> Cleared | None:
    """The newest picture of a camera as its privacy setting allows; None where there is none yet.

    `latest`: newest frame of the camera. `results`: newest answers on it, newest first.
    Raises PrivacyRefusal where the setting rules pictures out.
    """
    if privacy is Privacy.OFF:
        raise PrivacyRefusal("The camera's privacy setting keeps all pictures on the box, so it sent none.")
    if privacy is Privacy.FULL:
        return Cleared(latest, latest.image) if latest else None
    if latest is not None and latest.objects is not None:
        return Cleared(latest, blurred(latest.image, person_boxes(latest, ())))
    detectors = tuple(result for result in results if finds_people(result))
    if detectors:
        frame = detectors[0].frame
        return Cleared(frame, blurred(frame.image, person_boxes(frame, detectors)))
    if latest is None:
        return None
    raise NobodyFindsPeople(
        "The camera's privacy setting asks for blurred people, but no query that detects people answers on it. "
        "Add one to this camera, or change its privacy setting."
    )


def cleared_for_look(privacy: Privacy, frame: Frame, results: tuple[Result, ...]) -> np.ndarray | None:
    """`frame` as a person may see it live; None where nothing may be shown."""
    detectors = tuple(result for result in results if finds_people(result) and result.frame is frame)
    is_known = frame.objects is not None or bool(detectors)
    return as_privacy_allows(privacy, frame.image, person_boxes(frame, detectors) if is_known else None)


def as_privacy_allows(privacy: Privacy, image: np.ndarray, people: np.ndarray | None) -> np.ndarray | None:
    """A picture in which `people` are, (N, 4) xyxy fractions, None where nobody looked for them."""
    if privacy is Privacy.OFF:
        return None
    if privacy is Privacy.FULL:
        return image
    return pixelated(image) if people is None else blurred(image, people)


def finds_people(result: Result) -> bool:
    return isinstance(result.prediction, Detections) and not PERSON_CLASSES.isdisjoint(result.classes)


def person_boxes(frame: Frame, results: tuple[Result, ...]) -> np.ndarray:
    """(N, 4) xyxy fractions of everybody known on `frame`; results on other frames count for nothing."""
    boxes = [known.box for known in frame.objects or () if known.name in PERSON_CLASSES]
    for result in results:
        for found in (result.prediction, result.outside):
            if result.frame is frame and isinstance(found, Detections):
                boxes += _people(found, result.classes)
    return np.array(boxes, np.float32).reshape(-1, 4)


def _people(found: Detections, classes: tuple[str, ...]) -> list[tuple[float, ...]]:
    return [
        tuple(box)
        for box, label, score in zip(found.boxes, found.labels, found.scores, strict=True)
        if classes[int(label)] in PERSON_CLASSES and score >= _MINIMUM_SCORE
    ]
