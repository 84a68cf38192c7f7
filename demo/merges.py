"""Computes a merge of a demo box on rendered days, and ships it: what waits for approval when the demo starts.

    python -m demo.merges compute BOX [--threads N]   trains; writes var/merges/BOX and demo/content/merges/BOX
    python -m demo.merges disagreements BOX           adds frames on which merged and original disagree
    python -m demo.merges check BOX                   expands what is shipped and compares every digest

Training, validation and test are days of their own (demo.content.pictures); test days decide nothing.
"""

import re
import tempfile
import time
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from safetensors.torch import load_file

from demo.content import FOLDER, Content, Original, Query, load_content
from demo.content.pictures import TEST_DAYS, TRAIN_DAYS, VALIDATION_DAYS, pictures, render_days
from demo.originals import frame_set
from demo.shipped_merges import pack, pack_disagreements, shipped_weights, unpack
from edge_runtime.vision.architectures import load_weights, task_of
from edge_runtime.vision.spec import ModelSpec
from workers.merging.disagreements import write_disagreements
from workers.merging.events import Event, EventFile, EventType
from workers.merging.frames import FrameSet
from workers.merging.merge_run import MergeRun
from workers.merging.options import RunOptions
from workers.merging.progress import Progress
from workers.merging.queries import MergingQuery, merging_query
from workers.merging.splits import Splits
from workers.merging.strategies import strategy
from workers.merging.training import TrainingSettings
from workers.merging.workload import FolderData, ModelPart, QueryPart

app = typer.Typer(add_completion=False, no_args_is_help=True)
CACHE = Path("var/originals")
RUNS = Path("var/merges")
SHIPPED = FOLDER / "merges"
DAYS = TRAIN_DAYS[:8]  # 100 frames each
TRAINING = TrainingSettings(batch=16, least_steps=600, most_steps=600, evaluate_every=50)
BoxName = Annotated[str, typer.Argument(metavar="BOX", help="As in demo.yaml.", show_default=False)]


@app.command()
def compute(box: BoxName, threads: Annotated[int, typer.Option(min=1)] = 2, seed: int = 1) -> None:
    """Merge the models of a box, and ship the result."""
    torch.set_num_threads(threads)
    console, out = Console(), RUNS / box
    out.mkdir(parents=True, exist_ok=True)
    log = EventFile(out / "events.jsonl")
    progress = Progress(
        [log, lambda event: _show(console, event)], clock=time.monotonic, time_limit_s=None, is_cancelled=lambda: False
    )
    options = RunOptions(seed=seed, rounding="float16", training=TRAINING)
    result = MergeRun(_queries(load_content(), box), out, options, progress).run(strategy(options.strategy))
    log.close()
    pack(out, SHIPPED / box)
    check(box)
    console.print(f"{result.saved_fraction:.1%} saved in {result.seconds:.0f} s, {result.samples_seen} frames seen")


@app.command()
def disagreements(box: BoxName, threads: Annotated[int, typer.Option(min=1)] = 2) -> None:
    """Add frames on which merged and original disagree to the merge that is shipped for a box."""
    torch.set_num_threads(threads)
    queries = _queries(load_content(), box, DAYS[:1])  # nothing is trained
    with tempfile.TemporaryDirectory() as folder:
        run = unpack(SHIPPED / box, Path(folder))
        write_disagreements(run, queries, shipped_weights(run), torch.device("cpu"))
        pack_disagreements(run, SHIPPED / box)


@app.command()
def check(box: BoxName) -> None:
    """Expand what is shipped for a box and compare every digest."""
    with tempfile.TemporaryDirectory() as folder:
        unpack(SHIPPED / box, Path(folder))
    Console().print(f"The merge of {box} is whole.")


def core_name(name: str) -> str:
    """A query's name as the web application writes it for the core; the demo's names stay different."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)


def _queries(content: Content, box: str, days: range = DAYS) -> list[MergingQuery]:
    cameras = {camera.name for camera in content.cameras if camera.box == box}
    queries = [query for query in content.queries if query.camera in cameras]
    if not queries:
        raise typer.BadParameter(f'The demo has no box "{box}" with queries.')
    return [_merging_query(content, query, days) for query in queries]


def _merging_query(content: Content, query: Query, days: range) -> MergingQuery:
    original = next(model for model in content.models if model.name == query.model)
    model = ModelPart(original.architecture, str(original.weights), original.classes, original.input_size)
    part = QueryPart(
        core_name(query.name), task_of(original.architecture), model, FolderData("rendered"), query.accuracy_target
    )
    frames = Splits(*(_frames(content, original, part.model.spec, d) for d in (days, VALIDATION_DAYS, TEST_DAYS)))
    network = load_weights(part.model.spec, load_file(original.weights)).requires_grad_(False)
    return merging_query(part, network, frames, torch.device("cpu"))


def _frames(content: Content, original: Original, spec: ModelSpec, days: range) -> FrameSet:
    source = content.camera(original.camera).source
    sizes = {model.input_size for model in content.models if model.camera == original.camera}
    render_days(source, days, sorted(sizes), CACHE)
    return frame_set(spec, pictures(source, days, original.input_size, CACHE))


def _show(console: Console, event: Event) -> None:
    if event.type is EventType.PROGRESS:
        return
    figures = ", ".join(f"{one.name} {one.relative_accuracy:.3f} ({one.lower_bound:.3f})" for one in event.queries)
    console.print(f"{event.seconds:6.0f} s, step {event.step}, {event.type}: {event.trying} {figures}")


if __name__ == "__main__":
    app()
