"""The same kind of workload on rendered streets, with exact labels: for machines without the recordings.

A day of a camera is a seed of its scene; training, validation and test are days of their own. Where the demo ships a
network of the same kind, training starts from it: from random weights these few pictures teach no useful detector.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from benchmarks.merging.examples import BenchmarkQuery, Example, Part
from demo.content import FOLDER
from edge_runtime.scenes import Scene, parse_scene

SPACING_S = 2.9  # 100 frames are longer than the longest cycle of light and weather
FRAMES_PER_DAY = 100
DAYS = ((101, 102, 103, 104), (201,), (301, 302))
STREET = "scene://street?view=north"
CROSSING = "scene://crossing?view=market"
EAST, WEST = "scene://bridge?view=east", "scene://bridge?view=west"
DETECTOR = "centernet_resnet18_w24"
VEHICLES = ("car", "truck", "bus")
WEATHER, LIGHT, TRAFFIC = ("clear", "rain", "fog"), ("day", "dusk", "night"), ("quiet", "moderate", "heavy")


def rendered_queries(at_most: int) -> tuple[BenchmarkQuery, ...]:
    """`at_most`: pictures of a split."""
    ask = partial(_query, at_most=at_most)
    return (
        ask("Vehicles, street", STREET, DETECTOR, VEHICLES, start="station-road-vehicles"),
        ask("Vehicles, bridge east", EAST, DETECTOR, VEHICLES, start="station-road-vehicles"),
        ask("People, crossing", CROSSING, DETECTOR, ("person", "bicycle"), start="market-crossing-people"),
        ask("Traffic, crossing", CROSSING, "resnet18_w24", TRAFFIC, start="market-crossing-traffic"),
        ask("Light, street", STREET, "resnet18_w24", LIGHT),
        ask("Weather, bridge east", EAST, "mobilenet_v3_small", WEATHER, start="bridge-east-weather"),
        ask("Weather, bridge west", WEST, "mobilenet_v3_small", WEATHER, start="bridge-west-weather"),
        ask("Light, bridge west", WEST, "squeezenet1_1", LIGHT),
        ask("Light, crossing", CROSSING, "squeezenet1_1", LIGHT),
    )


def _query(
    name: str, camera: str, architecture: str, classes: tuple[str, ...], *, at_most: int, start: str | None = None
) -> BenchmarkQuery:
    is_detector = architecture == DETECTOR
    size = (96, 160) if is_detector else (64, 112)
    fit = {"steps": 400, "batch": 8} if is_detector else {"steps": 150, "batch": 16}
    init = FOLDER.resolve() / "originals" / f"{start}.safetensors" if start is not None else None
    train, validation, test = (_part(camera, days, at_most) for days in DAYS)
    question = "where each is" if is_detector else "which of these it is"
    return BenchmarkQuery(name, camera, question, architecture, classes, size, (train, validation, test), fit, init)


def _part(camera: str, days: tuple[int, ...], at_most: int) -> Part:
    spec = parse_scene(camera)
    folder = f"{spec.layout}-{spec.view}-days-{'-'.join(str(day) for day in days)}"
    source = f"{camera}, seeds {', '.join(str(day) for day in days)}; labels: exact, from rendering"
    return Part(folder, source, partial(_examples, camera, days, at_most), at_most)


def _examples(camera: str, days: tuple[int, ...], at_most: int) -> Iterator[Example]:
    """Renders `at_most` at most: each frame takes a while."""
    step = max(1, len(days) * FRAMES_PER_DAY // at_most)
    for day in days:
        scene = Scene(replace(parse_scene(camera), seed=day))
        for order in range(0, FRAMES_PER_DAY, step):
            frame = scene.render(round(order * SPACING_S * scene.rate_fps))
            yield Example(frame.image, frame.objects, frame.tags)
