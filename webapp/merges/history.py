"""A merge run as its events tell it: what a page draws, and the figures of its newest evaluation. Pure: no database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from webapp.merges.models import MergeRun, MergeRunQuery

MOST_EVALUATIONS = 300  # in one chart; a search that goes on for days makes thousands
_EVALUATED = "evaluated"


def shown_events(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """In order: everything that happened, but of very many evaluations an even selection that ends with the newest."""
    evaluations = [index for index, event in enumerate(events) if event["type"] == _EVALUATED]
    every = -(-len(evaluations) // MOST_EVALUATIONS)
    left_out = set(evaluations) - set(evaluations[::-1][:: max(1, every)])
    return [event for index, event in enumerate(events) if index not in left_out]


@dataclass(frozen=True)
class Measured:
    """An accuracy with the ends of its 90 % interval, as fractions of the original's."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class QuerySummary:
    """`validation` None: not measured, or the query keeps its original. `basis` says what the figures are."""

    name: str
    target: float
    basis: str
    validation: Measured | None
    test: Measured | None

    @property
    def is_at_target(self) -> bool:
        return self.validation is not None and self.validation.lower >= self.target


@dataclass(frozen=True)
class RunSummary:
    """A run in figures: of its result where it ended with one, else of its newest event.

    `seconds`: of the search, as its events count them: what the time limit is about.
    """

    run: MergeRun
    optimum_fraction: float | None
    samples_seen: int
    seconds: float
    queries: tuple[QuerySummary, ...]

    @property
    def is_ended_by_limit(self) -> bool:
        """Whether the time limit ended the search, rather than that nothing was left to try."""
        return 0 < self.run.time_limit_s <= self.run.result.get("seconds", 0)

    @property
    def saved_bytes(self) -> int:
        return self.run.bytes_before - self.run.bytes_after

    @property
    def saved_fraction(self) -> float | None:
        return self.saved_bytes / self.run.bytes_before if self.run.bytes_before else None


def summarise(run: MergeRun, run_queries: Sequence[MergeRunQuery], events: Sequence[dict[str, Any]]) -> RunSummary:
    """`events`: the run's payloads in order."""
    newest = events[-1] if events else {}
    told = run.result or newest
    figures = _of_result(run.result) or {found["name"]: (found, None) for found in newest.get("queries", ())}
    return RunSummary(
        run=run,
        optimum_fraction=run.result.get("optimum_fraction"),
        samples_seen=told.get("samples_seen", 0),
        seconds=(newest or told).get("seconds", 0.0),
        queries=tuple(_query(query, *figures.get(query.name, (None, None))) for query in run_queries),
    )


def _of_result(result: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """By the queries' own names: figures on validation and on test frames."""
    names = result.get("names", {})
    return {
        names.get(found["name"], found["name"]): (found["validation"], found["test"])
        for found in result.get("queries", ())
    }


def _query(query: MergeRunQuery, validation: Any, test: Any) -> QuerySummary:
    basis = (validation or {}).get("basis", "")
    return QuerySummary(query.name, query.accuracy_target, basis, _measured(validation), _measured(test))


def _measured(figures: Any) -> Measured | None:
    if not figures or "lower_bound" not in figures:
        return None
    return Measured(figures["relative_accuracy"], figures["lower_bound"], figures["upper_bound"])
