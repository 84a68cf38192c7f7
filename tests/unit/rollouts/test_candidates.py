"""Which query of another box runs which member of a merged group."""

import uuid

from webapp.merges.models import MergedGroupQuery
from webapp.rollouts.candidates import matched
from webapp.workloads.models import Model, Query

CARS, TRUCKS = (Model(id=uuid.uuid4(), name=name) for name in ("cars", "trucks"))


def member(number: int, name: str, model: Model, **figures: float) -> MergedGroupQuery:
    values = {"accuracy_target": 0.9, "validation_lower": 0.95} | figures
    return MergedGroupQuery(id=number, name=name, model=model, **values)


def query(name: str, model: Model, accuracy_target: float = 0.9) -> Query:
    return Query(id=uuid.uuid4(), name=name, model=model, accuracy_target=accuracy_target)


def names(members: list[MergedGroupQuery], queries: list[Query]) -> dict[str, str]:
    return {found.name: asked.name for found, asked in matched(members, queries).queries.items()}


def test_members_run_in_queries_with_the_same_model() -> None:
    members = [member(1, "count cars", CARS), member(2, "count trucks", TRUCKS)]
    queries = [query("lorries", TRUCKS), query("something else", Model(id=uuid.uuid4())), query("motors", CARS)]
    assert names(members, queries) == {"count cars": "motors", "count trucks": "lorries"}


def test_the_same_name_comes_first_and_no_query_runs_two_members() -> None:
    members = [member(1, "left", CARS), member(2, "right", CARS)]
    assert names(members, [query("right", CARS), query("middle", CARS)]) == {"left": "middle", "right": "right"}


def test_says_which_member_finds_no_query() -> None:
    members = [member(1, "left", CARS), member(2, "right", CARS)]
    match = matched(members, [query("middle", CARS)])
    assert match.problem == "It has no query with the model cars left for right."
    assert not match.queries


def test_a_target_may_be_as_high_as_what_was_proven_or_approved() -> None:
    proven, approved = member(1, "a", CARS), member(2, "b", TRUCKS, validation_lower=0.91, accuracy_target=0.93)
    assert not matched([proven, approved], [query("a", CARS, 0.95), query("b", TRUCKS, 0.93)]).problem
    match = matched([proven], [query("strict", CARS, 0.96)])
    assert match.problem == "strict keeps 96.0 % of its accuracy there, more than a was approved for."
