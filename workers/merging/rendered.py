"""Pictures from rendered street scenes, with exact ground truth: data that needs no recording."""

from dataclasses import replace

from edge_runtime.protocol.messages import FrameLabel
from edge_runtime.scenes.address import parse_scene
from edge_runtime.scenes.scene import Scene
from workers.merging.pictures import Picture
from workers.merging.workload import SceneSplit


def scene_pictures(address: str, split: SceneSplit) -> list[Picture]:
    """`split.count` frames, first all of the first seed, then of the next. Raises SceneError."""
    spec = parse_scene(address)
    pictures: list[Picture] = []
    for number, seed in enumerate(split.seeds):
        scene = Scene(replace(spec, seed=seed))
        wanted = (split.count * (number + 1)) // len(split.seeds) - (split.count * number) // len(split.seeds)
        pictures += [_picture(scene, seed, round(order * split.spacing_s * spec.fps)) for order in range(wanted)]
    return pictures


def _picture(scene: Scene, seed: int, index: int) -> Picture:
    """Labels come with rendering, so the picture is rendered now and kept until it is read for the first time."""
    frame = scene.render(index)
    label = FrameLabel(f"seed {seed}, frame {index}", index / scene.rate_fps, frame.objects, frame.tags)
    kept = [frame.image]
    return Picture(label, lambda: kept.pop() if kept else scene.render(index).image)
