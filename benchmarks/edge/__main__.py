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
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import msgspec
import torch

from benchmarks.edge.cells import WAYS, Cell, Executing, Playing, Setting, Way, executed, foretold, median
from benchmarks.edge.report import Table, lines
from benchmarks.edge.street import Answers, OnDisk, answers, bundles, film, targets
from benchmarks.machine import save
from edge_runtime.app import OVERHEAD_BYTES, chosen_device, measured_folder
from edge_runtime.protocol.manifest import Manifest
from edge_runtime.protocol.sizes import parse_size
from edge_runtime.scheduling.admission import named_budget
from edge_runtime.scheduling.measured import MeasuredBundle
from edge_runtime.serving.profiling import MeasuredFolder, measure_bundle
from edge_runtime.serving.transfer import transfer_to

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="of every cell, interleaved; the table shows medians")
    parser.add_argument("--seconds", type=float, default=3.0, help="of film counted in every run")
    parser.add_argument("--utilisation", type=float, default=0.7)
    parser.add_argument("--load-ratio", type=float, default=3.0)
    parser.add_argument("--bandwidth", help='bytes/s of the link instead, such as 200MB; "0": as fast as it goes')
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repetitions", type=int, default=9, help="of every load and run when measuring profiles")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--profiles", type=Path, help="also foretell from this file")
    parser.add_argument("--profiles-out", type=Path, help="write the profiles measured here")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(options.threads)
    with tempfile.TemporaryDirectory() as folder:
        result = run(options, Path(folder))
    print("\n".join(lines(result)))
    print(f"Written to {save('edge', msgspec.to_builtins(result))}")


@dataclass(frozen=True)
class _Asked:
    """What the models of a machine are asked, and the link they are loaded over (None: as fast as it goes)."""

    rate_fps: float
    deadline_ms: int
    bytes_per_s: float | None

    def playing(self, manifest: Manifest, seconds: float) -> Playing:
        """Without a film, which foretelling needs none of."""
        queries = targets(manifest, self.rate_fps, self.deadline_ms)
        return Playing(queries, (), WARM_UP_PERIODS / self.rate_fps, seconds)


def run(options: argparse.Namespace, folder: Path) -> Table:
    device, on_disk = chosen_device(options.device), bundles(folder / "merge")
    kept = measured_folder(folder, device, options.threads)
    pair = _measured(on_disk, kept, torch.device(device), options.repetitions)
    if options.profiles_out:
        options.profiles_out.write_bytes(msgspec.json.format(msgspec.json.encode(pair), indent=1))
    asked, manifest = _asked(pair.unmerged, options), on_disk[False].manifest
    for measured in (pair.unmerged, pair.merged):
        kept.save(msgspec.structs.replace(measured, load_bytes_per_s=asked.bytes_per_s or measured.load_bytes_per_s))
    settings = _settings(pair.unmerged)
    blank = asked.playing(manifest, options.seconds)
    frames = film(manifest, blank.queries, blank.warm_up_s + options.seconds, START_S)
    playing = replace(blank, frames=frames)
    known = {merged: answers(bundle, frames) for merged, bundle in on_disk.items()}
    executing = Executing(kept, OVERHEAD_BYTES[device], asked.bytes_per_s, options.threads, device)
    return Table(
        rate_fps=asked.rate_fps,
        deadline_ms=asked.deadline_ms,
        bytes_per_s=asked.bytes_per_s,
        budgets={setting.name: setting.budget_bytes for setting in settings},
        runs=options.runs,
        seconds=options.seconds,
        ceiling={way.name: _ceiling(known[way.merged], playing) for way in WAYS},
        executed=_executed(settings, on_disk, playing, known, executing, options.runs),
        foretold=_foretold(
            settings,
            lambda way, setting: foretold(way, setting, pair.of(way), playing, known[way.merged], asked.bytes_per_s),
        ),
        foretold_elsewhere=_elsewhere(manifest, options) if options.profiles else {},
    )


def _measured(
    on_disk: dict[bool, OnDisk], kept: MeasuredFolder, device: torch.device, repetitions: int
) -> MeasuredPair:
    def of(bundle: OnDisk) -> MeasuredBundle:
        return measure_bundle(
            bundle.manifest,
            bundle.tensor,
            transfer=transfer_to(device),
            device=device,
            hardware=kept.hardware,
            overhead_bytes=OVERHEAD_BYTES[device.type],
            repetitions=repetitions,
        )

    return MeasuredPair(of(on_disk[False]), of(on_disk[True]))


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


def _ceiling(known: Answers, playing: Playing) -> float:
    """End-to-end accuracy if every frame were processed in time."""
    everything = set(range(len(playing.frames)))
    return known.accuracy(dict.fromkeys(known.predictions, everything), playing.first)


def _executed(
    settings: Iterable[Setting],
    on_disk: dict[bool, OnDisk],
    playing: Playing,
    known: dict[bool, Answers],
    executing: Executing,
    runs: int,
) -> dict[str, dict[str, Cell]]:
    """Interleaved: what disturbs this machine for a while disturbs all cells alike."""
    places = [(setting, way) for setting in settings for way in WAYS]
    cells: dict[tuple[str, str], list[Cell]] = {(setting.name, way.name): [] for setting, way in places}
    for number in range(runs):
        print(f"run {number + 1} of {runs}", flush=True)
        for setting, way in places:
            cell = executed(way, setting, on_disk[way.merged], playing, known[way.merged], executing)
            cells[setting.name, way.name].append(cell)
    return {setting.name: {way.name: median(cells[setting.name, way.name]) for way in WAYS} for setting, _ in places}


def _foretold(settings: Iterable[Setting], cell: Callable[[Way, Setting], Cell]) -> dict[str, dict[str, Cell]]:
    return {setting.name: {way.name: cell(way, setting) for way in WAYS} for setting in settings}


def _elsewhere(manifest: Manifest, options: argparse.Namespace) -> dict[str, dict[str, Cell]]:
    """Asked as much of that machine as this one was, over the link that was measured there unless one is named."""
    pair = msgspec.json.decode(options.profiles.read_bytes(), type=MeasuredPair)
    asked = _asked(pair.unmerged, options)
    playing = asked.playing(manifest, ELSEWHERE_FRAMES / asked.rate_fps)
    bytes_per_s = asked.bytes_per_s if options.bandwidth else None
    return _foretold(
        _settings(pair.unmerged),
        lambda way, setting: foretold(way, setting, pair.of(way), playing, None, bytes_per_s),
    )


if __name__ == "__main__":
    main()
