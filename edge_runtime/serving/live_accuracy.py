"""The agreement of running models with their originals, measured on the box in moments when no frame waits.

The original is outside the device budget: it runs on the CPU, its weights mapped from files for the one run and let
go afterwards (only weights stored in another dtype are copied meanwhile). A query is scored as often as its camera
allows (QueryTarget.sample_every_s), when nothing waits; one that has not been scored for OVERDUE_S is scored although
frames wait, which costs them one run of one model: a box that is always busy is the one whose accuracy matters most.

Each pause is drawn anew, from half of its length to one and a half times as long: what comes and goes at a fixed pace,
as a traffic light does, would else be seen at the same moment every time, or never.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from edge_runtime.protocol.target import Zone
from edge_runtime.serving.answering import answer
from edge_runtime.serving.device_memory import TensorSource
from edge_runtime.serving.preparation import Prepared, ServedModel
from edge_runtime.serving.skeleton import Skeleton
from edge_runtime.serving.tally import Agreement
from edge_runtime.vision.metrics import FrameScore, accuracy, frame_score
from edge_runtime.vision.spec import Frame, Prediction
from edge_runtime.vision.zones import split_by_zone

OVERDUE_S = 30.0
WINDOW_FRAMES = 200
_CPU = torch.device("cpu")


@dataclass
class _Watched:
    model: ServedModel
    zone: Zone
    every_s: float
    tried_at: float
    drawn: float
    scores: deque[FrameScore] = field(default_factory=lambda: deque(maxlen=WINDOW_FRAMES))
    fresh: deque[FrameScore] = field(default_factory=lambda: deque(maxlen=WINDOW_FRAMES))
    sample: tuple[Frame, Prediction] | None = None

    def wait_s(self, is_idle: bool) -> float:
        return self.drawn * (self.every_s if is_idle else max(self.every_s, OVERDUE_S))

    def take_fresh(self) -> tuple[tuple[int, int], ...]:
        taken = [self.fresh.popleft() for _ in range(len(self.fresh))]
        return tuple((2 * score.true_positives, score.false_positives + score.false_negatives) for score in taken)


class LiveAccuracy:
    """For one prepared bundle; windows of queries whose model and zone are the same in `previous` go on.

    `chance`: draws from 0 to 1.
    """

    def __init__(
        self, prepared: Prepared, now: float, chance: Callable[[], float], previous: "LiveAccuracy | None" = None
    ) -> None:
        self._tensor, self._chance = prepared.tensor, chance
        self._watched = {
            query.query: _Watched(prepared.models[query.slot], query.zone, query.sample_every_s, now, self._drawn())
            for query in prepared.queries
            if prepared.models[query.slot].original is not None and query.sample_every_s > 0
        }
        for query, watched in self._watched.items():
            before = previous._watched.get(query) if previous else None
            is_same = before is not None and (before.model.entry, before.zone) == (watched.model.entry, watched.zone)
            if before is not None and is_same:
                watched.scores, watched.tried_at = before.scores, before.tried_at

    @property
    def is_watching(self) -> bool:
        return bool(self._watched)

    def note(self, query: str, frame: Frame, prediction: Prediction) -> None:
        """Remembers the newest answer of `query`, what of it is in the query's zone, to score it later."""
        if query in self._watched:
            self._watched[query].sample = (frame, prediction)

    def due(self, now: float, is_idle: bool) -> str | None:
        """The query to score now, if any: the one that has waited longest."""
        ready = [
            query
            for query, watched in self._watched.items()
            if watched.sample is not None and now - watched.tried_at >= watched.wait_s(is_idle)
        ]
        return min(ready, key=lambda query: self._watched[query].tried_at, default=None)

    def score(self, query: str, now: float) -> None:
        """Runs the original of `query` on its remembered frame. Raises whatever the network or the tensors raise."""
        watched = self._watched[query]
        sample, watched.sample, watched.tried_at = watched.sample, None, now
        watched.drawn = self._drawn()
        original = watched.model.original
        if sample is None or original is None:
            return
        frame, prediction = sample
        functions = watched.model.functions
        _map(original, self._tensor)
        try:
            reference = answer(original, functions, [frame.image], _CPU)[0]
        finally:
            for key in original.wanted:
                original.detach(key)
        inside, _ = split_by_zone(reference, watched.zone)
        score = frame_score(prediction, functions.agreement_truth(inside))
        watched.scores.append(score)
        watched.fresh.append(score)

    def _drawn(self) -> float:
        """How much of its usual length the next pause has."""
        return 0.5 + self._chance()

    def agreements(self) -> Mapping[str, Agreement]:
        """By query, without those that were not scored yet. Safe to call from one other thread.

        What was scored since the last call is told once.
        """
        scores = {query: tuple(watched.scores.copy()) for query, watched in self._watched.items()}
        return {
            query: Agreement(accuracy(given), len(given), self._watched[query].take_fresh())
            for query, given in scores.items()
            if given
        }


def _map(original: Skeleton, tensor: TensorSource) -> None:
    for key, wanted in original.wanted.items():
        original.attach(key, tensor(wanted.entry).to(wanted.dtype))
