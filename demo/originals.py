"""Trains the demo's original models from random weights on rendered streets, and measures them.

    python -m demo.originals render [--only SLUG]    only renders the pictures, into var/originals
    python -m demo.originals train [--only SLUG]     writes demo/content/originals/*.safetensors and originals.json
    python -m demo.originals evaluate [--only SLUG]  measures the shipped weights on the test days again

What is trained is data: demo/content/demo.yaml. Each model is trained apart, with a seed of its own.
"""

import time
from collections.abc import Iterator
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
from edge_runtime.protocol.messages import FrameObject
from edge_runtime.vision.architectures import build, load_weights
from edge_runtime.vision.metrics import accuracy, frame_score
from edge_runtime.vision.preprocessing import preprocess, stack
from edge_runtime.vision.spec import ModelSpec
from edge_runtime.vision.tasks import functions_for

app = typer.Typer(add_completion=False, no_args_is_help=True)
CACHE = Path("var/originals")
_WEIGHT_DECAY = 1e-2
_STATISTICS_BATCHES = 40
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
    network = fit(spec, train, original, console)
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


def fit(spec: ModelSpec, data: Pictures, original: Original, console: Console) -> nn.Module:
    """AdamW with one cycle of the learning rate; half of the pictures are mirrored."""
    plan = original.training
    torch.manual_seed(plan.seed)
    network, functions = build(spec), functions_for(spec)
    optimiser = torch.optim.AdamW(network.parameters(), lr=plan.rate, weight_decay=_WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.rate, total_steps=plan.steps, pct_start=0.2)
    batches = _batches(spec, data, plan.batch, plan.seed)
    recent: list[float] = []
    for step in range(plan.steps):
        batch, truths = next(batches)
        loss = functions.loss(network, batch, truths=truths, teaching=None)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimiser.step()
        schedule.step()
        recent.append(float(loss.detach()))
        if (step + 1) % 50 == 0:
            console.print(f"  step {step + 1}: loss {np.mean(recent[-50:]):.3f}")
    _settle_statistics(network, batches)
    return network.eval()


def _batches(spec: ModelSpec, data: Pictures, size: int, seed: int) -> Iterator[tuple[Tensor, list]]:
    """For ever: (inputs, truths), every picture once per round, in a new order each round."""
    functions, rng = functions_for(spec), np.random.default_rng(seed)
    while True:
        order = rng.permutation(len(data.labels))
        for start in range(0, len(order) - size + 1, size):
            inputs, truths = [], []
            for index in order[start : start + size]:
                image, objects = data.images[index], data.labels[index].objects
                if rng.random() < 0.5:
                    image, objects = image[:, ::-1], tuple(_mirrored(item) for item in objects)
                inputs.append(preprocess(image, spec))
                truths.append(functions.truth_of(objects, data.labels[index].tags, spec))
            yield stack(inputs), truths


def _mirrored(item: FrameObject) -> FrameObject:
    left, top, right, bottom = item.box
    return FrameObject(item.name, (1 - right, top, 1 - left, bottom), item.occluded)


def _settle_statistics(network: nn.Module, batches: Iterator[tuple[Tensor, list]]) -> None:
    """Means and variances of the final weights: a running average still remembers earlier ones."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    network.train()
    with torch.no_grad():
        for _ in range(_STATISTICS_BATCHES):
            network(next(batches)[0])


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
