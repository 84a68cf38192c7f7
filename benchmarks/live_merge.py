"""The demo's live merge without the web application: how long, how many samples, what is saved, at which accuracy.

`make bench-live-merge ARGS="--threads 1"`. The frames are those that the demo collects for the box harbour-bridge: ten
minutes of its rendered cameras, in blocks of time 60 % training, 20 % validation, 20 % test. Test decides nothing.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import msgspec
import torch
import yaml

from benchmarks.machine import named, save
from demo.content import Content, load_content
from demo.merges import core_name
from edge_runtime.protocol.messages import FrameIndex, FrameLabel
from edge_runtime.scenes import Scene, parse_scene
from edge_runtime.vision.architectures import task_of
from workers.merging.cli.session import usable_device
from workers.merging.result import Result
from workers.merging.run import RunOptions, merge
from workers.merging.sharing import Initialisation
from workers.merging.workload import load_workload

BOX = "harbour-bridge"
SPACING_S = 1.2
OTHER_HOUR_S = 36_000  # as demo.frames
JPEG_QUALITY = 92


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", nargs="+", default=["optimistic"])
    parser.add_argument("--initialisations", nargs="+", default=["member"], choices=list(Initialisation))
    parser.add_argument("--frames", type=int, default=500, help="per camera")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keeps the rendered frames and the results")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    common = RunOptions(seed=arguments.seed, device=usable_device(arguments.device))
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        workload = write_workload(load_content(), folder, arguments.frames)
        runs = [
            measured(
                workload, folder, replace(common, strategy=strategy, initialisation=Initialisation(initialisation))
            )
            for strategy in arguments.strategies
            for initialisation in arguments.initialisations
        ]
    what = {"box": BOX, "frames_per_camera": arguments.frames, "threads": arguments.threads, "seed": arguments.seed}
    print(f"Written to {save(named('live_merge', common.device), {'workload': what, 'runs': runs})}")


def write_workload(content: Content, folder: Path, frames: int) -> Path:
    """WORKLOAD.yaml in `folder`, with the frames of every camera; frames that are there already are kept."""
    queries = []
    for camera in (camera for camera in content.cameras if camera.box == BOX):
        _write_frames(camera.source, folder / core_name(camera.name), frames)
        for query in (query for query in content.queries if query.camera == camera.name):
            model = next(model for model in content.models if model.name == query.model)
            entry = {
                "architecture": model.architecture,
                "weights": str(model.weights.resolve()),
                "classes": list(model.classes),
                "input_size": list(model.input_size),
            }
            queries.append(
                {
                    "name": core_name(query.name),
                    "task": task_of(model.architecture).value,
                    "model": entry,
                    "data": {"format": "frames", "train": core_name(camera.name)},
                    "accuracy_target": query.accuracy_target,
                }
            )
    path = folder / "WORKLOAD.yaml"
    path.write_text(yaml.safe_dump({"queries": queries}, sort_keys=False))
    return path


def _write_frames(source: str, folder: Path, count: int) -> None:
    if (folder / "frames.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    scene, labels = Scene(parse_scene(source)), []
    for order in range(count):
        frame = scene.render(round((OTHER_HOUR_S + order * SPACING_S) * scene.rate_fps))
        name = f"{order:05}.jpg"
        cv2.imwrite(str(folder / name), frame.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        labels.append(FrameLabel(name, order * SPACING_S, frame.objects, frame.tags))
    (folder / "frames.json").write_bytes(msgspec.json.encode(FrameIndex(tuple(labels), "scene")))


def measured(workload: Path, folder: Path, options: RunOptions) -> dict[str, Any]:
    """Figures of one run. CPU seconds beside wall seconds: other programs may have used the same cores."""
    cpu_started, strategy, initialisation = time.process_time(), options.strategy, options.initialisation
    result = merge(load_workload(workload), folder / f"{strategy}-{initialisation}", options)
    cpu_s = time.process_time() - cpu_started
    _print(strategy, initialisation, result, cpu_s)
    return {
        "strategy": strategy,
        "initialisation": initialisation.value,
        "seconds": result.seconds,
        "cpu_seconds": round(cpu_s, 1),
        "samples_seen": result.samples_seen,
        "configurations_tried": len(result.steps),
        "bytes_before": result.bytes_before,
        "bytes_after": result.bytes_after,
        "saved_fraction": result.saved_fraction,
        "optimum_fraction": result.optimum_fraction,
        "queries": msgspec.to_builtins(result.queries),
    }


def _print(strategy: str, initialisation: Initialisation, result: Result, cpu_s: float) -> None:
    print(
        f"{strategy} from {initialisation}: {result.saved_fraction:.1%} saved ({result.optimum_fraction:.0%} of the "
        f"optimum) in {result.seconds:.0f} s ({cpu_s:.0f} s of CPU), {result.samples_seen} samples"
    )
    for query in result.queries:
        if query.validation is None or query.test is None:
            print(f"  {query.name}: keeps its original")
            continue
        validation, test = query.validation, query.test
        print(
            f"  {query.name}: validation {validation.relative_accuracy:.3f} (at least {validation.lower_bound:.3f}), "
            f"test {test.relative_accuracy:.3f} ({test.lower_bound:.3f} to {test.upper_bound:.3f}), {test.basis}"
        )


if __name__ == "__main__":
    main()
