"""One classification query over time: when its answer changed, and stayed so. Pure; time is the stream's."""

from edge_runtime.answers.results import Result
from edge_runtime.answers.sighting import Seen, Sighting
from edge_runtime.vision.spec import Classification, Frame

# An answer that flickers between two classes is no change: it has to come so often in a row.
STAYS_FRAMES = 3


class ChangeWatch:
    """The first answer after a start changes nothing: nobody knows what was before."""

    def __init__(self) -> None:
        self._stable: str | None = None
        self._stream: tuple[str, int] | None = None
        self._label = ""
        self._frames = 0
        self._at = 0.0
        self._best: tuple[float, Frame | None] = (0.0, None)

    def see(self, result: Result) -> Seen:
        assert isinstance(result.prediction, Classification)
        label = result.classes[result.prediction.label]
        score = float(result.prediction.probabilities[result.prediction.label])
        stream = (result.frame.camera, result.frame.stream)
        if label != self._label or stream != self._stream:
            self._label, self._stream, self._frames, self._at = label, stream, 0, result.frame.at
            self._best = (0.0, None)
        self._frames += 1
        if label == self._stable:
            self._best = (0.0, None)
            return Seen()
        self._best = max(self._best, (score, result.frame), key=lambda found: found[0])
        return self._settled(result) if self._frames >= STAYS_FRAMES else Seen()

    def end(self) -> tuple[Sighting, ...]:
        """Nothing is left to tell: a change is told as soon as it counts."""
        return ()

    def _settled(self, result: Result) -> Seen:
        is_change, self._stable = self._stable is not None, self._label
        (score, frame), self._best = self._best, (0.0, None)
        if not is_change or self._label not in result.wanted:
            return Seen()
        sighting = Sighting(
            query=result.query,
            name=result.name,
            camera=result.frame.camera,
            kind="changed",
            label=self._label,
            at=self._at,
            until=None,
            score=score,
            frame=frame,
        )
        return Seen(appeared={self._label: 1}, sightings=(sighting,))
