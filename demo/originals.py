"""Trains the demo's original models from random weights on rendered streets, and measures them.

    python -m demo.originals render [--only SLUG]    only renders the pictures, into var/originals
    python -m demo.originals train [--only SLUG]     writes demo/content/originals/*.safetensors and originals.json
    python -m demo.originals evaluate [--only SLUG]  measures the shipped weights on the test days again

What is trained is data: demo/content/demo.yaml. Each model is trained apart, with a seed of its own.
"""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from demo.content import Content, Measured, Original, load_content, save_result
from demo.content.pictures import TEST_DAYS, TRAIN_DAYS, VALIDATION_DAYS, Pictures, pictures, render_days
from edge_runtime.vision.architectures import build, load_weights
from edge_runtime.vision.metrics import accuracy, frame_score
from edge_runtime.vision.preprocessing import preprocess, stack
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.tasks import functions_for
from workers.merging.frames import FrameSet
from workers.merging.original_training import StepTaken, TrainingPlan, train_on_labels

app = typer.Typer(add_completion=False, no_args_is_help=True)
CACHE = Path("var/originals")
Only = Annotated[str | None, typer.Option(help="Slug of one model; all by default.")]


@app.command()
def train(only: Only = None, threads: Annotated[int, typer.Option(min=1)] = 2) -> None:
    """Train the originals and write their weights in half precision."""
    torch.set_num_threads(threads)
    content, console = load_content(), Console()
    for original in _chosen(content, only):
        console.print(f"[bold]{original.name}[/bold]: {original.architecture}, {original.training.steps} steps")
        result = _train_one(content, original, console)
        save_result(result)
        console.print(f"  test accuracy {result.accuracy_test:.3f}, {result.size_bytes / 1e6:.2f} MB")


@app.command()
def render(only: Only = None) -> None:
    """Render the pictures that training needs; `train` does it too where they are missing."""
    content, console = load_content(), Console()
    for original in _chosen(content, only):
        for days in (TRAIN_DAYS[: original.training.days], VALIDATION_DAYS, TEST_DAYS):
            _pictures_of(content, original, days)
        console.print(f"{original.name}: rendered")


@app.command()
def evaluate(only: Only = None, threads: Annotated[int, typer.Option(min=1)] = 2) -> None:
    """Measure the shipped weights on the test days."""
    torch.set_num_threads(threads)
    content, console = load_content(), Console()
    for original in _chosen(content, only):
        spec = spec_of(original)
        network = load_weights(spec, load_file(original.weights))
        test = _pictures_of(content, original, TEST_DAYS)
        console.print(f"{original.name}: {measure(network, spec, test):.4f} on {len(test.labels)} frames")


def _chosen(content: Content, only: str | None) -> list[Original]:
    chosen = [original for original in content.models if only in (None, original.slug)]
    if not chosen:
        known = ", ".join(original.slug for original in content.models)
        raise typer.BadParameter(f'There is no model "{only}". The demo has {known}.')
    return chosen


def spec_of(original: Original) -> ModelSpec:
    return ModelSpec(original.architecture, original.classes, original.input_size)


def _pictures_of(content: Content, original: Original, days: range) -> Pictures:
    """Renders what is not there yet, at once for all models of the same camera."""
    source = content.camera(original.camera).source
    sizes = {model.input_size for model in content.models if model.camera == original.camera}
    render_days(source, days, sorted(sizes), CACHE)
    return pictures(source, days, original.input_size, CACHE)


def _train_one(content: Content, original: Original, console: Console) -> Measured:
    spec, source = spec_of(original), content.camera(original.camera).source
    train = _pictures_of(content, original, TRAIN_DAYS[: original.training.days])
    validation, test = (_pictures_of(content, original, days) for days in (VALIDATION_DAYS, TEST_DAYS))
    started = time.monotonic()
    network = fit(spec, train, validation, original, console)
    seconds = time.monotonic() - started
    half = {name: _halved(tensor) for name, tensor in network.state_dict().items()}
    original.weights.parent.mkdir(exist_ok=True)
    save_file(half, original.weights)
    shipped = load_weights(spec, load_file(original.weights))
    return Measured(
        slug=original.slug,
        architecture=original.architecture,
        classes=original.classes,
        input_size=original.input_size,
        camera=source,
        accuracy_validation=round(measure(shipped, spec, validation), 4),
        accuracy_test=round(measure(shipped, spec, test), 4),
        frames_train=len(train.labels),
        frames_test=len(test.labels),
        steps=original.training.steps,
        seconds=round(seconds, 1),
        seed=original.training.seed,
        size_bytes=original.weights.stat().st_size,
    )


def _halved(tensor: Tensor) -> Tensor:
    return (tensor.half() if tensor.is_floating_point() else tensor).contiguous()


def fit(spec: ModelSpec, train: Pictures, validation: Pictures, original: Original, console: Console) -> nn.Module:
    """The core's way of training originals, with the plan of demo.yaml."""
    plan = original.training
    torch.manual_seed(plan.seed)
    network = build(spec)

    def observe(taken: StepTaken) -> None:
        if taken.step % 50 == 0:
            console.print(f"  step {taken.step}: loss {taken.loss:.3f}, validation {taken.accuracy:.3f}")

    train_on_labels(
        network,
        frame_set(spec, train),
        frame_set(spec, validation),
        TrainingPlan(plan.steps, plan.batch, plan.rate),
        seed=plan.seed,
        device=torch.device("cpu"),
        observe=observe,
    )
    return network


def frame_set(spec: ModelSpec, data: Pictures) -> FrameSet:
    functions = functions_for(spec)
    truths = tuple(functions.truth_of(label.objects, label.tags, spec) for label in data.labels)
    return FrameSet(spec, np.asarray(data.images), truths)


def measure(network: nn.Module, spec: ModelSpec, data: Pictures) -> float:
    """Accuracy of vision.metrics over all pictures."""
    functions, scores = functions_for(spec), []
    for start in range(0, len(data.labels), 16):
        labels = data.labels[start : start + 16]
        batch = stack([preprocess(image, spec) for image in data.images[start : start + 16]])
        for prediction, label in zip(functions.predict(network, batch), labels, strict=True):
            truth = functions.truth_of(label.objects, label.tags, spec)
            if truth is not None:  # a rendered frame always has one
                scores.append(frame_score(prediction, truth))
    return accuracy(scores)


if __name__ == "__main__":
    app()
