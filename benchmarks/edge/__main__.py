"""Memory setting x way to serve: frames in time, end-to-end accuracy, bytes swapped, time stalled. `make bench-edge`.

Really executed on this machine, then foretold from profiles measured just before, then (--profiles) foretold from
profiles of another machine. Memory settings are those of the unmerged models: *min* holds the largest of them for one
frame, *all* holds all of them.

Rates and link follow from how fast this machine runs the models, so that every machine is asked the same: all resident,
the queries would keep it busy for --utilisation of the time, and loading a model takes --load-ratio times as long as
running it. 3 is between ResNet-50 (3.2) and YOLOv3 (2.9) in table 1 of Gemel (NSDI 2023). A frame is lost after three
periods.
"""

import argparse
import logging
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import msgspec
import torch

from benchmarks.edge.cells import WAYS, Cell, Executing, Playing, Setting, Way, executed, foretold, median
from benchmarks.edge.checks import CellRuns, Cells, checks
from benchmarks.edge.drawn import drawn
from benchmarks.edge.report import Table, lines
from benchmarks.edge.street import Answers, OnDisk, answers, bundles, film, targets
from benchmarks.machine import named, save
from edge_runtime.app import chosen_device, measured_folder, overhead_bytes
from edge_runtime.protocol.sizes import parse_size
from edge_runtime.scheduling.admission import named_budget
from edge_runtime.scheduling.measured import MeasuredBundle, decode_measured
from edge_runtime.serving.profiling import MeasuredFolder, measure_bundle
from edge_runtime.serving.transfer import LimitedTransfer, transfer_to

SETTINGS = ("min", "50%", "75%", "all")
DEADLINE_PERIODS = 3
START_S = 36_000  # of the cameras' day: not the hour that the demo shows
WARM_UP_PERIODS = 4
ELSEWHERE_FRAMES = 2_000  # of a query: a simulation needs no more to be steady


class MeasuredPair(msgspec.Struct, frozen=True):
    """The file of --profiles and --profiles-out: the same models, as registered and as merged."""

    unmerged: MeasuredBundle
    merged: MeasuredBundle

    def of(self, way: Way) -> MeasuredBundle:
        return self.merged if way.merged else self.unmerged


def read_pair(content: bytes) -> MeasuredPair:
    """Of --profiles-out, or of `gemel-edge profile --out`: then unmerged is the same with nothing shared."""
    try:
        return msgspec.json.decode(content, type=MeasuredPair)
    except msgspec.ValidationError:
        merged = decode_measured(content)
    apart = tuple(
        msgspec.structs.replace(model, tensors={f"{key} of {model.slot}": size for key, size in model.tensors.items()})
        for model in merged.models
    )
    return MeasuredPair(msgspec.structs.replace(merged, models=apart), merged)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of every cell, interleaved; the table shows medians")
    parser.add_argument("--seconds", type=float, default=5.0, help="of film counted in every run")
    parser.add_argument("--utilisation", type=float, default=0.7)
    parser.add_argument("--load-ratio", type=float, default=3.0)
    parser.add_argument("--bandwidth", help='bytes/s of the link instead, such as 200MB; "0": as fast as it goes')
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=9, help="of every load and run when measuring profiles")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--models", nargs="+", help="architectures of drawn weights instead of the demo's models")
    parser.add_argument("--note", default="", help="kept in the results: the circumstances of these runs")
    parser.add_argument("--name", help="of the file of results, instead of edge or, on a GPU, edge_cuda")
    parser.add_argument("--profiles", type=Path, help="also foretell from this file")
    parser.add_argument("--profiles-out", type=Path, help="write the profiles measured here")
    options = parser.parse_args()
    logging.disable(logging.WARNING)  # that a box cannot keep up is what is measured here
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = run(options, Path(folder))
    print("\n".join(lines(result)))
    found = checks(result.executed, result.foretold, result.foretold_elsewhere)
    saved = {"note": options.note, "checks": msgspec.to_builtins(found), **msgspec.to_builtins(result)}
    print(f"Written to {save(options.name or named('edge', chosen_device(options.device)), saved)}")


@dataclass(frozen=True)
class _Asked:
    """What the models of a machine are asked, and the link they are loaded over (None: as fast as it goes)."""

    rate_fps: float
    deadline_ms: int
    bytes_per_s: float | None

    def playing(self, measured: MeasuredBundle, seconds: float) -> Playing:
        """One query of every model. Without a film, which foretelling needs none of."""
        queries = targets([model.slot for model in measured.models], self.rate_fps, self.deadline_ms)
        return Playing(queries, (), WARM_UP_PERIODS / self.rate_fps, seconds)


def run(options: argparse.Namespace, folder: Path) -> Table:
    device = chosen_device(options.device)
    overhead_bytes(device)  # measured before anything else uses the device
    on_disk = drawn(options.models, folder) if options.models else bundles(folder / "merge")
    kept = measured_folder(folder, device, options.threads)
    measuring = _Measuring(on_disk, kept, torch.device(device), options.repetitions)
    first = measuring.pair(None)
    if options.profiles_out:
        options.profiles_out.write_bytes(msgspec.json.format(msgspec.json.encode(first), indent=1))
    asked, manifest = _asked(first.unmerged, options), on_disk[False].manifest
    blank = asked.playing(first.unmerged, options.seconds)
    frames = film(manifest, blank.queries, blank.warm_up_s + options.seconds, START_S)
    playing = replace(blank, frames=frames)
    known = {merged: None if options.models else answers(bundle, frames) for merged, bundle in on_disk.items()}
    executing = Executing(kept, overhead_bytes(device), asked.bytes_per_s, options.threads, device)
    runs: list[Cells] = []
    foretold_runs: list[Cells] = []
    for number in range(options.runs):
        print(f"run {number + 1} of {options.runs}", flush=True)
        pair = measuring.pair(asked.bytes_per_s)
        _expect(kept, pair, asked)
        settings = _settings(pair.unmerged)
        foretold_runs.append(_foretold_all(settings, pair, playing, known, None))
        runs.append(_table(settings, _Execution(on_disk, playing, known, executing)))
    return Table(
        models={model.slot: model.architecture for model in manifest.models},
        device=kept.hardware,
        utilisation=options.utilisation,
        load_ratio=options.load_ratio,
        rate_fps=asked.rate_fps,
        deadline_ms=asked.deadline_ms,
        bytes_per_s=asked.bytes_per_s,
        budgets={setting.name: setting.budget_bytes for setting in _settings(first.unmerged)},
        seconds=options.seconds,
        ceiling=_ceilings(known, playing),
        executed=_medians(runs),
        foretold=_medians(foretold_runs),
        foretold_elsewhere=_elsewhere(options) if options.profiles else {},
        runs=_by_cell(runs),
        foretold_runs=_by_cell(foretold_runs),
    )


@dataclass(frozen=True)
class _Measuring:
    on_disk: dict[bool, OnDisk]
    kept: MeasuredFolder
    device: torch.device
    repetitions: int

    def pair(self, bytes_per_s: float | None) -> MeasuredPair:
        """With weights that come over a link of `bytes_per_s`, if given: what is copied beside a run slows it."""
        return MeasuredPair(self._of(self.on_disk[False], bytes_per_s), self._of(self.on_disk[True], bytes_per_s))

    def _of(self, bundle: OnDisk, bytes_per_s: float | None) -> MeasuredBundle:
        transfer = transfer_to(self.device)
        return measure_bundle(
            bundle.manifest,
            bundle.tensor,
            transfer=LimitedTransfer(transfer, bytes_per_s) if bytes_per_s else transfer,
            device=self.device,
            hardware=self.kept.hardware,
            overhead_bytes=overhead_bytes(self.device.type),
            repetitions=self.repetitions,
        )


def _asked(measured: MeasuredBundle, options: argparse.Namespace) -> _Asked:
    models = measured.profiles().models
    run_s = sum(model.batches[0].run_ms for model in models) / 1000
    rate_fps = options.utilisation / run_s
    bytes_per_s = sum(model.weight_bytes for model in models) / (options.load_ratio * run_s)
    if options.bandwidth is not None:
        bytes_per_s = parse_size(options.bandwidth)
    return _Asked(rate_fps, round(1000 * DEADLINE_PERIODS / rate_fps), bytes_per_s or None)


def _settings(measured: MeasuredBundle) -> list[Setting]:
    models = measured.profiles().models
    return [Setting(name, named_budget(name, models, measured.overhead_bytes)) for name in SETTINGS]


def _expect(kept: MeasuredFolder, pair: MeasuredPair, asked: _Asked) -> None:
    """What the executor finds measured when it starts."""
    for measured in (pair.unmerged, pair.merged):
        kept.save(msgspec.structs.replace(measured, load_bytes_per_s=asked.bytes_per_s or measured.load_bytes_per_s))


def _ceilings(known: dict[bool, Answers | None], playing: Playing) -> dict[str, float]:
    """End-to-end accuracy if every frame were processed in time."""
    everything = set(range(len(playing.frames)))
    return {
        "merged" if merged else "unmerged": found.accuracy(dict.fromkeys(found.predictions, everything), playing.first)
        for merged, found in known.items()
        if found is not None
    }


@dataclass(frozen=True)
class _Execution:
    on_disk: dict[bool, OnDisk]
    playing: Playing
    known: dict[bool, Answers | None]
    executing: Executing

    def __call__(self, way: Way, setting: Setting) -> Cell:
        merged = way.merged
        return executed(way, setting, self.on_disk[merged], self.playing, self.known[merged], self.executing)


def _table(settings: Iterable[Setting], cell: Callable[[Way, Setting], Cell]) -> Cells:
    return {setting.name: {way.name: cell(way, setting) for way in WAYS} for setting in settings}


def _by_cell(runs: Sequence[Cells]) -> CellRuns:
    return {setting: {way.name: [run[setting][way.name] for run in runs] for way in WAYS} for setting in SETTINGS}


def _medians(runs: Sequence[Cells]) -> Cells:
    return {setting: {way: median(cells) for way, cells in ways.items()} for setting, ways in _by_cell(runs).items()}


def _foretold_all(
    settings: Iterable[Setting],
    pair: MeasuredPair,
    playing: Playing,
    known: dict[bool, Answers | None],
    bytes_per_s: float | None,
) -> Cells:
    return _table(
        settings,
        lambda way, setting: foretold(way, setting, pair.of(way), playing, known[way.merged], bytes_per_s),
    )


def _elsewhere(options: argparse.Namespace) -> Cells:
    """Asked as much of that machine as this one was, over the link that was measured there unless one is named."""
    pair = read_pair(options.profiles.read_bytes())
    asked = _asked(pair.unmerged, options)
    playing = asked.playing(pair.unmerged, ELSEWHERE_FRAMES / asked.rate_fps)
    bytes_per_s = asked.bytes_per_s if options.bandwidth else None
    return _foretold_all(_settings(pair.unmerged), pair, playing, {True: None, False: None}, bytes_per_s)


if __name__ == "__main__":
    main()
