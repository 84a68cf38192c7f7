"""One detection query over time: which detections are the same object, when one appeared, and when it was last seen.

Pure but for the tracker that it is given; time is the stream's. Bounded: a detector answers with at most
`detections.MAXIMUM_DETECTIONS`, what is not seen for a while is forgotten, and few frames are held for pictures.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from edge_runtime.answers.results import Result
from edge_runtime.answers.sighting import Box, Seen, Sighting
from edge_runtime.vision.detections import SCORE_THRESHOLD
from edge_runtime.vision.spec import Detections, Frame

# One frame is a flicker of the detector; a fast car is on few more where a query looks twice a second.
CONFIRMED_FRAMES = 2
LOST_S, _LOST_PERIODS = 2.0, 3.0
# By then the best picture is known, and nobody waits for an object that stays for hours.
TOLD_AFTER_S = 10.0
_FRAMES_HELD = 8
_CLEARLY_BETTER = 1.1


class Tracker(Protocol):
    def update(self, boxes: np.ndarray, scores: np.ndarray, at: float) -> list[str | None]:
        """The track of each of N detections at `at` seconds, None where it has none.

        `boxes`: (N, 4) xyxy. Times only grow.
        """


# Given how many seconds an unseen object is expected back, and pictures a second.
TrackerMaker = Callable[[float, float], Tracker]


@dataclass
class _Track:
    number: int
    first_at: float
    last_at: float
    frames: int = 0
    votes: Counter[str] = field(default_factory=Counter)
    label: str = ""  # once confirmed
    score: float = 0.0
    box: Box = (0.0, 0.0, 0.0, 0.0)
    worth: float = 0.0  # of the frame it was best seen on
    frame: Frame | None = None
    is_told: bool = False


class ObjectWatch:
    def __init__(self, tracker: TrackerMaker) -> None:
        self._make = tracker
        self._tracker: Tracker | None = None
        self._stream: tuple[str, int] | None = None
        self._tracks: dict[str, _Track] = {}
        self._numbers = 0
        self._last: Result | None = None

    def see(self, result: Result) -> Seen:
        """Raises whatever the tracker raises; the watch then starts afresh."""
        stream = (result.frame.camera, result.frame.stream)
        is_new = stream != self._stream or (self._last is not None and result.frame.at < self._last.frame.at)
        ended = self.end() if is_new else ()
        self._stream, self._last = stream, result
        lost_s = max(LOST_S, _LOST_PERIODS / result.rate_fps)
        if self._tracker is None:
            self._tracker = self._make(lost_s, result.rate_fps)
        tracks, appeared = self._follow(result, self._tracker)
        at = result.frame.at
        gone = [key for key, track in self._tracks.items() if at - track.last_at > lost_s]
        told = [self._tell(self._tracks.pop(key), result, is_over=True) for key in gone]
        for track in self._tracks.values():
            if at - track.first_at >= TOLD_AFTER_S:
                told.append(self._tell(track, result, is_over=False))
        return Seen(tracks, appeared, (*ended, *(sighting for sighting in told if sighting)))

    def end(self) -> tuple[Sighting, ...]:
        """The stream is over, or nobody asks any more: what is left to tell. What comes next is something new."""
        last, tracks = self._last, list(self._tracks.values())
        self._tracker, self._last = None, None
        self._tracks.clear()
        if last is None:
            return ()
        told = [self._tell(track, last, is_over=True) for track in tracks]
        return tuple(sighting for sighting in told if sighting)

    def _follow(self, result: Result, tracker: Tracker) -> tuple[dict[int, int], Counter[str]]:
        found = result.prediction
        assert isinstance(found, Detections)
        has_area = (found.boxes[:, 2:] > found.boxes[:, :2]).all(axis=1)
        wanted = [i for i in np.flatnonzero(has_area).tolist() if result.classes[int(found.labels[i])] in result.wanted]
        keys = tracker.update(found.boxes[wanted], found.scores[wanted], result.frame.at)
        tracks, appeared = dict[int, int](), Counter[str]()
        for index, key in zip(wanted, keys, strict=True):
            if key is None:
                continue
            track = self._track(key, result.frame.at)
            tracks[index] = track.number
            self._note(track, result, found, index)
            if not track.label and track.frames >= CONFIRMED_FRAMES:
                track.label = track.votes.most_common(1)[0][0]
                appeared[track.label] += 1
        return tracks, appeared

    def _track(self, key: str, at: float) -> _Track:
        if key not in self._tracks:
            self._numbers += 1
            self._tracks[key] = _Track(self._numbers, first_at=at, last_at=at)
        return self._tracks[key]

    def _note(self, track: _Track, result: Result, found: Detections, index: int) -> None:
        score, box = float(found.scores[index]), tuple(float(edge) for edge in found.boxes[index])
        track.last_at = result.frame.at
        track.frames += score >= SCORE_THRESHOLD
        track.votes[result.classes[int(found.labels[index])]] += 1
        track.score = max(track.score, score)
        left, top, right, bottom = box
        # Large and certain makes a good picture. Much of the frame is held for a while: only for a clear gain.
        worth = score * max(0.0, (right - left) * (bottom - top)) ** 0.5
        if not track.is_told and worth > _CLEARLY_BETTER * track.worth and self._has_room(result.frame):
            track.worth, track.frame, track.box = worth, result.frame, (left, top, right, bottom)
        elif track.frame is None and not track.is_told:
            track.box = (left, top, right, bottom)

    def _has_room(self, frame: Frame) -> bool:
        held = {id(track.frame) for track in self._tracks.values() if track.frame is not None}
        return id(frame) in held or len(held) < _FRAMES_HELD

    def _tell(self, track: _Track, result: Result, *, is_over: bool) -> Sighting | None:
        if not track.label or track.is_told:
            return None
        track.is_told = True
        frame, track.frame = track.frame, None
        return Sighting(
            query=result.query,
            name=result.name,
            camera=result.frame.camera,
            kind="appeared",
            label=track.label,
            at=track.first_at,
            until=track.last_at if is_over else None,
            score=track.score,
            box=track.box,
            frame=frame,
        )
