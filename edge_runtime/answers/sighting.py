"""What was seen, once it is known well enough to be told: what events are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge_runtime.vision.spec import Frame

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Sighting:
    """`kind`: "appeared" (an object) or "changed" (a new answer). `at`, `until`: Unix seconds of the stream, the first
    and the last frame it was seen on; `until` is None while it is still there.

    `score` 0..1 is the best, `frame` the frame it was reached on, None where that was let go; `box` is there, xyxy as
    fractions of the frame, None for a classification.
    """

    query: str
    name: str
    camera: str
    kind: str
    label: str
    at: float
    until: float | None
    score: float
    box: Box | None = None
    frame: Frame | None = None


@dataclass(frozen=True)
class Seen:
    """What one answer adds. `tracks`: number of the track by index of the detection. `appeared`: new ones by class."""

    tracks: Mapping[int, int] = field(default_factory=dict)
    appeared: Mapping[str, int] = field(default_factory=dict)
    sightings: tuple[Sighting, ...] = ()
