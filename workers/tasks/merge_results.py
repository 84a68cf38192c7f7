"""Taking over what the merging core found: result.json and bundle/ become merged groups that wait for a decision."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction

from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest, ModelEntry, TensorEntry, decode_manifest, distinct_tensors
from webapp.common.blobs import blob_put, blobs_missing
from webapp.fleets.models import Box
from webapp.merges.models import MergeRun, MergeRunQuery, MergeRunState
from webapp.merges.selectors import merge_requirements
from webapp.merges.services import (
    GroupFound,
    MemberFound,
    RunSettings,
    merge_run_create,
    merge_run_event_record,
    merge_run_result_record,
    merge_run_started,
)
from workers.merging.events import EventType
from workers.merging.result import MergedGroupResult, QueryResult, Result, read_result
from workers.tasks.merge_disagreements import Disagreements, disagreements_told
from workers.tasks.merge_files import named_queries


class ResultUnusable(GemelError):
    """The folder holds no result that fits the run's queries; nothing was recorded."""

    code = "merge_result"


def merge_result_import(*, box: Box, result_dir: Path, now: datetime, actor: Any | None = None) -> MergeRun:
    """A result that the core's command line wrote, as a finished run of `box` whose groups wait for a decision.

    The queries are matched by name (spaces and the like written as "-"). Raises ResultUnusable.
    """
    result = _read(result_dir)
    names = {query.name for query in result.queries}
    with transaction.atomic():
        requirements = [found for found in merge_requirements(box) if found.query is not None]
        settings = RunSettings(strategy=result.strategy, time_limit_s=0)
        run = merge_run_create(actor=actor, box=box, settings=settings, requirements=requirements, now=now)
        queries = named_queries(run.run_queries.select_related("query", "model"))
        unknown = sorted(names - queries.keys())
        if unknown:
            raise ResultUnusable(f"{box} has no query called {', '.join(unknown)}; the result is of another workload.")
        run.run_queries.exclude(id__in=[queries[name].pk for name in names]).delete()
        merge_run_started(run=run, now=now)
        _events_take_over(run, queries, result_dir, now)
        blobs_take_over(result_dir)
        result_record(run=run, queries=queries, result_dir=result_dir, now=now)
    return run


def with_own_names(payload: dict[str, Any], queries: Mapping[str, MergeRunQuery]) -> dict[str, Any]:
    """An event of the core with the queries' own names and ids."""
    for figures in payload.get("queries", []):
        found = queries.get(figures["name"])
        if found is not None:
            figures |= {"name": found.name, "query": str(found.query_id)}
    return payload


def _events_take_over(run: MergeRun, queries: Mapping[str, MergeRunQuery], result_dir: Path, now: datetime) -> None:
    """What happened in the run, but for the progress between evaluations."""
    path = result_dir / "events.jsonl"
    for line in path.read_bytes().splitlines() if path.exists() else ():
        payload = msgspec.json.decode(line)
        if payload["type"] != EventType.PROGRESS:
            merge_run_event_record(run=run, payload=with_own_names(payload, queries), now=now)


def blobs_take_over(result_dir: Path) -> None:
    """Puts the bundle's tensors into the artifact store. Long before short: call it outside of a lease's transaction.

    Raises ResultUnusable when a blob is missing or is not what its name says.
    """
    tensors = distinct_tensors(*(entry.tensors for entry in _manifest(result_dir).models))
    for digest in sorted(blobs_missing(tensors)):
        path = _bundle(result_dir) / "blobs" / digest
        if not path.is_file() or blob_put(path.read_bytes()) != digest:
            raise ResultUnusable(f"The blob {digest[:12]} of the merged models is missing or damaged.")


def has_accepted(result_dir: Path) -> bool:
    """Whether the core came to accept something, however it ended."""
    try:
        return bool(_read(result_dir).merged_groups)
    except ResultUnusable:
        return False


def result_record(
    *,
    run: MergeRun,
    queries: Mapping[str, MergeRunQuery],
    result_dir: Path,
    state: MergeRunState = MergeRunState.SUCCEEDED,
    problem: str = "",
    now: datetime,
) -> None:
    """Ends the run in `state` with its groups. `queries`: the run's, by their names in the core.

    Raises ResultUnusable.
    """
    result = _read(result_dir)
    entries = {entry.slot: entry for entry in _manifest(result_dir).models}
    for name, entry in entries.items():
        _check_original(name, entry, queries)
    told = disagreements_told(result_dir)
    merge_run_result_record(
        run=run,
        groups=[_group(group, result, entries, queries, told) for group in result.merged_groups],
        result={**msgspec.to_builtins(result), "names": {name: found.name for name, found in queries.items()}},
        bytes_before=result.bytes_before,
        bytes_after=result.bytes_after,
        state=state,
        problem=problem,
        now=now,
    )


def _read(result_dir: Path) -> Result:
    try:
        return read_result(result_dir / "result.json")
    except (OSError, msgspec.DecodeError) as error:
        raise ResultUnusable(f"{result_dir} holds no result.json that can be read.") from error


def _bundle(result_dir: Path) -> Path:
    """The bundle that result.json is of: a core that was killed may have written the next one already."""
    savings = _read(result_dir).savings
    own = result_dir / "bundles" / str(savings[-1].bundle) if savings else None
    return own if own is not None and own.is_dir() else result_dir / "bundle"


def _manifest(result_dir: Path) -> Manifest:
    try:
        return decode_manifest((_bundle(result_dir) / "manifest.json").read_bytes())
    except OSError as error:
        raise ResultUnusable(f"{result_dir} holds no bundle.") from error


def _check_original(name: str, entry: ModelEntry, queries: Mapping[str, MergeRunQuery]) -> None:
    """Accuracy beside the original means nothing when that was another model."""
    original = entry.tensors if entry.original_tensors is None else entry.original_tensors
    registered = queries[name].model.tensors if name in queries else None
    if registered is None or original != msgspec.convert(registered, dict[str, TensorEntry]):
        raise ResultUnusable(f'The result for "{name}" was computed from other weights than the registered model\'s.')


def _group(
    group: MergedGroupResult,
    result: Result,
    entries: Mapping[str, ModelEntry],
    queries: Mapping[str, MergeRunQuery],
    disagreements: Mapping[str, Disagreements],
) -> GroupFound:
    figures = {query.name: query for query in result.queries}
    return GroupFound(
        bytes_before=group.bytes_before,
        bytes_after=group.bytes_after,
        shared_layers=[
            {
                "size_bytes": shared.bytes,
                "saved_bytes": shared.saved_bytes,
                "members": {queries[name].name: list(layers) for name, layers in shared.layers.items()},
            }
            for shared in group.shared_layers
        ],
        members=tuple(
            _member(queries[name], entries[name], figures[name], disagreements.get(name)) for name in group.queries
        ),
    )


def _member(
    run_query: MergeRunQuery, entry: ModelEntry, figures: QueryResult, told: Disagreements | None
) -> MemberFound:
    validation, test = figures.validation, figures.test
    if validation is None:
        raise ResultUnusable(f'The result says nothing about the accuracy of "{run_query.name}".')
    return MemberFound(
        run_query=run_query,
        tensors=msgspec.to_builtins(entry.tensors),
        basis=validation.basis.value,
        original_accuracy=validation.original_accuracy,
        merged_accuracy=validation.merged_accuracy,
        validation=(validation.relative_accuracy, validation.lower_bound, validation.upper_bound),
        test=None if test is None else (test.relative_accuracy, test.lower_bound, test.upper_bound),
        compared_frames=told.frames if told else None,
        differing_frames=told.differing if told else 0,
        disagreements=told.found(run_query.dataset) if told else (),
    )
