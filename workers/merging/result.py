"""result.json of a merge run: what was saved, at which accuracy, on the way and at the end. See docs/merging.md."""

from pathlib import Path

import msgspec

from edge_runtime.bundles.files import write_atomically
from workers.merging.configuration import MergeConfiguration, MergedGroup
from workers.merging.events import QueryFigures
from workers.merging.matching import Match

FORMAT = 1


class SharedLayers(msgspec.Struct, frozen=True):
    """One shared layer group: bytes of its one copy, what that saves, and the layer names per query."""

    bytes: int
    saved_bytes: int
    layers: dict[str, tuple[str, ...]]


class Step(msgspec.Struct, frozen=True):
    """One tried configuration, in order. `queries`: validation figures at the end of the trial."""

    seconds: float
    samples_seen: int
    saved_bytes: int
    configuration: tuple[SharedLayers, ...]
    accepted: bool
    queries: tuple[QueryFigures, ...]


class MergedGroupResult(msgspec.Struct, frozen=True):
    """One accepted merged group. `name` is that of ModelEntry.merged_group in the bundle."""

    name: str
    queries: tuple[str, ...]
    bytes_before: int
    bytes_after: int
    shared_layers: tuple[SharedLayers, ...]


class Saving(msgspec.Struct, frozen=True):
    """What is saved from the moment of one acceptance on. `bundle`: the number of its folder in DIR/bundles."""

    seconds: float
    samples_seen: int
    saved_bytes: int
    bundle: int


class TaskFigures(msgspec.Struct, frozen=True):
    """Further accuracy of one model: `macro_f1` of classification, `map` (COCO mAP@[.5:.95]) of detection."""

    macro_f1: float | None = None
    map: float | None = None


class Details(msgspec.Struct, frozen=True):
    """Original and merged model on the same labelled frames."""

    original: TaskFigures
    merged: TaskFigures


class QueryResult(msgspec.Struct, frozen=True):
    """`merged_group` is None where the query keeps its original; then both figures are None.

    `details`: on test frames; None also where these have no labels.
    """

    name: str
    target: float
    merged_group: str | None
    validation: QueryFigures | None
    test: QueryFigures | None
    details: Details | None = None


class Result(msgspec.Struct, frozen=True):
    """`optimum_fraction`: saved bytes as a share of what the maximal configuration would save.

    `joins_repeats`: whether layers that one model repeats were shared as well.
    """

    strategy: str
    seed: int
    bytes_before: int
    bytes_after: int
    saved_fraction: float
    optimum_fraction: float
    seconds: float
    samples_seen: int
    steps: tuple[Step, ...]
    merged_groups: tuple[MergedGroupResult, ...]
    queries: tuple[QueryResult, ...]
    finished: bool
    format: int = FORMAT
    match: Match = Match.EXACT
    joins_repeats: bool = False
    savings: tuple[Saving, ...] = ()


def shared_layers(configuration: MergeConfiguration) -> tuple[SharedLayers, ...]:
    return tuple(
        SharedLayers(
            group.size_bytes,
            group.saved_bytes,
            {query: tuple(p.layer for p in group.places if p.query == query) for query in sorted(group.queries)},
        )
        for group in configuration.ordered()
    )


def group_name(merged: MergedGroup) -> str:
    """Short, and unique in a run because a query belongs to one merged group: the first query and how many more."""
    return f"{merged.queries[0]}+{len(merged.queries) - 1}"


def write_result(path: Path, result: Result) -> None:
    write_atomically(path, msgspec.json.format(msgspec.json.encode(result), indent=2))


def read_result(path: Path) -> Result:
    return msgspec.json.decode(path.read_bytes(), type=Result)
