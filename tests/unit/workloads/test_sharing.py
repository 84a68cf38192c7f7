"""How much models could share, by hand and as the merging core pairs layers."""

from dataclasses import dataclass
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from webapp.workloads.models import Model, Query
from webapp.workloads.sharing import pair_bytes, shared_by, workload_sharing
from workers.merging.matching import shareable_groups

SIZES = {"a": 100, "b": 30, "c": 7}


def _layers(signatures: str) -> list[dict]:
    return [
        {"name": f"{one}{position}", "signature": one, "size_bytes": SIZES[one], "position": position}
        for position, one in enumerate(signatures)
    ]


def _query(name: str, signatures: str, model: Model | None = None) -> Query:
    size = sum(SIZES[one] for one in signatures)
    return Query(id=uuid4(), name=name, model=model or Model(id=uuid4(), layers=_layers(signatures), size_bytes=size))


def test_counts_the_models_that_have_the_layer_as_often():
    found = shared_by(_layers("aab"), [_layers("a"), _layers("aac"), _layers("c")])
    assert found == {"a0": 2, "a1": 1, "b2": 0}


def test_a_layer_that_a_model_repeats_is_shared_as_often_as_both_have_it():
    assert pair_bytes(_layers("aaab"), _layers("aacb")) == 230
    assert pair_bytes(_layers("c"), _layers("ab")) == 0


def test_the_matrix_says_what_every_pair_could_share_of_the_smaller_model():
    first, second, third = _query("x", "aab"), _query("y", "ac"), _query("z", "c")
    found = workload_sharing([first, second, third])

    shares = [[pair and (pair.shared_bytes, round(pair.fraction, 3)) for pair in pairs] for _, pairs in found.rows]
    assert shares == [
        [None, (100, 0.935), (0, 0.0)],
        [(100, 0.935), None, (7, 1.0)],
        [(0, 0.0), (7, 1.0), None],
    ]
    assert (found.size_bytes, found.most_saved_bytes) == (230 + 107 + 7, 107)


def test_queries_of_one_model_hold_one_copy_already():
    first = _query("x", "ab")
    found = workload_sharing([first, _query("y", "ab", first.model)])

    assert found.rows[0][1][1].is_same_model
    assert (found.size_bytes, found.most_saved_bytes) == (130, 0)


def test_nothing_to_share_divides_by_nothing():
    assert workload_sharing([]).most_saved_fraction is None
    assert workload_sharing([_query("x", ""), _query("y", "")]).rows[0][1][1].fraction == 0.0


@dataclass
class _Layer:
    name: str
    kind: str
    signature: str
    shape: str
    size_bytes: int


@given(st.lists(st.text("abc", max_size=6), min_size=2, max_size=4))
def test_says_what_the_core_finds(networks):
    queries = [_query(f"q{number}", signatures) for number, signatures in enumerate(networks)]
    inventories = {
        query.name: [
            _Layer(one["name"], "Linear", one["signature"], "", one["size_bytes"]) for one in query.model.layers
        ]
        for query in queries
    }
    contents = {(name, one.name): f"{name}.{one.name}" for name, layers in inventories.items() for one in layers}

    groups = shareable_groups(inventories, contents)
    assert workload_sharing(queries).most_saved_bytes == sum(group.saved_bytes for group in groups)
