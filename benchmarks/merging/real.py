"""The mixed workload of real recordings: detection and classification on six cameras, with four architectures.

The clips are short, so every query is one that some hundred pictures can teach: crops at full resolution where objects
are small, fixed places of a road, vehicles by the boxes that people drew. Splits are stretches of time, one after the
other; vehicle types of camera 3601 are tested on another day.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.merging.examples import BenchmarkQuery, Example, Part, slug
from benchmarks.merging.recordings import Clip, lane_occupancy, objects_in_region, presence, vehicle_types

DETECTOR = "centernet_resnet18_w24"
HIGHWAY_CUTS = (48.0, 64.0, 80.0)  # seconds of the file, which plays five times as fast as the road
CAR_PARK_CUTS = (12.0, 22.0, 31.0)  # one car before the first cut, two between, one after
INDOOR_CUTS = (48.0, 74.0, 120.0)  # each stretch has the empty room and people
TYPES = {"car": "car", "truck": "large", "bus": "large"}
LANE_CROP = (48, 36)
LEAST_VEHICLE_SIDE = 18
PLACES = {
    "us101_cam1": ((180, 275), (260, 290), (340, 310), (420, 280), (500, 265), (160, 335), (560, 290)),
    "us101_cam3": ((80, 225), (160, 215), (240, 235), (320, 230), (480, 215), (200, 260), (320, 255), (440, 245)),
}
REGIONS = {"us101_cam1": (200, 218, 240, 144), "us101_cam3": (0, 152, 240, 144)}
WHOLE = (0, 0, 640, 360)
LABELS = {
    "us101_cam1": "pseudo, by YOLOv8s and the background",
    "us101_cam3": "pseudo, by YOLOv8s and the background",
    "intel_onebyone": "pseudo, by YOLOv8s",
    "intel_car": "pseudo, by background subtraction",
}
PEOPLE = "boxes drawn by people"
DETECTOR_FIT, CLASSIFIER_FIT = {"steps": 300, "batch": 8}, {"steps": 150, "batch": 16}
IMAGENET_SQUEEZENET = "weights/squeezenet1_1_imagenet_fp16.pth"

Ask = Callable[[Clip], Iterator[Example]]
Clips = tuple[Clip, Clip, Clip]


@dataclass(frozen=True)
class RealQueries:
    """`folder`: with videos/ and labels/, as GEMEL_DATA_DIR names it. `at_most`: pictures of a split."""

    folder: Path
    at_most: int

    def all(self) -> tuple[BenchmarkQuery, ...]:
        return (
            self._vehicles("Vehicles, US-101 view 1", "us101_cam1"),
            self._vehicles("Vehicles, US-101 view 3", "us101_cam3"),
            self._people("People, indoor", "intel_onebyone"),
            self._lane("Lane occupied, US-101 view 1", "us101_cam1", "resnet18_w24"),
            self._lane("Lane occupied, US-101 view 3", "us101_cam3", "mobilenet_v3_small"),
            self._present("Person present, indoor", "intel_onebyone", "mobilenet_v3_small", INDOOR_CUTS),
            self._present("Car present, car park", "intel_car", "squeezenet1_1", CAR_PARK_CUTS),
            self._vehicle_type("Vehicle type, TfL 3601", "tfl_3601", "resnet18_w24", self._two_days()),
            self._vehicle_type("Vehicle type, TfL 3604", "tfl_3604", "squeezenet1_1", self._one_day()),
        )

    def _vehicles(self, name: str, recording: str) -> BenchmarkQuery:
        left, top, width, height = region = REGIONS[recording]
        parts = self._parts(name, self._stretches(recording, HIGHWAY_CUTS), partial(objects_in_region, region=region))
        question = f"where vehicles are in the crop {width}x{height} at {left}, {top}"
        return BenchmarkQuery(name, recording, question, DETECTOR, ("car",), (96, 160), parts, DETECTOR_FIT)

    def _people(self, name: str, recording: str) -> BenchmarkQuery:
        parts = self._parts(name, self._stretches(recording, INDOOR_CUTS), partial(objects_in_region, region=WHOLE))
        question = "where people are in the whole picture"
        return BenchmarkQuery(name, recording, question, DETECTOR, ("person",), (96, 160), parts, DETECTOR_FIT)

    def _lane(self, name: str, recording: str, architecture: str) -> BenchmarkQuery:
        words, places = ("free", "occupied"), PLACES[recording]
        ask = partial(lane_occupancy, places=places, size=LANE_CROP, words=words)
        parts = self._parts(name, self._stretches(recording, HIGHWAY_CUTS), ask)
        question = f"whether a vehicle covers the middle of a crop {LANE_CROP[0]}x{LANE_CROP[1]}, {len(places)} places"
        return BenchmarkQuery(name, recording, question, architecture, words, (48, 64), parts, CLASSIFIER_FIT)

    def _present(
        self, name: str, recording: str, architecture: str, cuts: tuple[float, float, float]
    ) -> BenchmarkQuery:
        words = ("empty", "present")
        parts = self._parts(name, self._stretches(recording, cuts), partial(presence, words=words))
        question, init = "whether anything is there", self._init(architecture)
        return BenchmarkQuery(name, recording, question, architecture, words, (64, 112), parts, CLASSIFIER_FIT, init)

    def _vehicle_type(self, name: str, camera: str, architecture: str, clips: Clips) -> BenchmarkQuery:
        parts = self._parts(name, clips, partial(vehicle_types, words=TYPES, least_side=LEAST_VEHICLE_SIDE))
        question, classes = "car or large vehicle (truck, bus), in crops of the boxes", ("car", "large")
        init = self._init(architecture)
        return BenchmarkQuery(name, camera, question, architecture, classes, (64, 64), parts, CLASSIFIER_FIT, init)

    def _two_days(self) -> Clips:
        first, second = "tfl_3601_a", "tfl_3601_b"
        return (
            self._every_frame(first, 0.0, 6.0, step=5),
            self._every_frame(first, 6.0, 10.0, step=2),
            self._every_frame(second, 0.0, 10.0, step=5),
        )

    def _one_day(self) -> Clips:
        edges = ((0.0, 6.0), (6.0, 8.0), (8.0, 10.0))
        train, validation, test = (self._every_frame("tfl_3604", start, end, step=4) for start, end in edges)
        return train, validation, test

    def _every_frame(self, recording: str, start_s: float, end_s: float, *, step: int) -> Clip:
        return Clip(self.folder, recording, start_s, end_s, step, labels=f"{recording}_human_allframes")

    def _stretches(self, recording: str, cuts: tuple[float, float, float]) -> Clips:
        """One after the other. `cuts`: where the second and the third start, and where the third ends."""
        first, second, end = cuts
        edges = ((0.0, first), (first, second), (second, end))
        train, validation, test = (Clip(self.folder, recording, start, stop) for start, stop in edges)
        return train, validation, test

    def _parts(self, name: str, clips: Clips, ask: Ask) -> tuple[Part, Part, Part]:
        train, validation, test = (
            self._part(slug(f"{name} {clip.recording} {clip.start_s:g}s"), clip, ask) for clip in clips
        )
        return train, validation, test

    def _part(self, folder: str, clip: Clip, ask: Ask) -> Part:
        source = f"{clip.said}; labels: {LABELS.get(clip.recording, PEOPLE)}"
        return Part(folder, source, partial(ask, clip), self.at_most)

    def _init(self, architecture: str) -> Path | None:
        """SqueezeNet starts from its published weights where they are at hand; the others from random ones."""
        weights = self.folder / IMAGENET_SQUEEZENET
        return weights if architecture == "squeezenet1_1" and weights.exists() else None
