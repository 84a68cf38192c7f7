"""What the picture of sharing is drawn from."""

from webapp.merges.models import MergedGroup, MergedGroupQuery
from webapp.merges.pictures import accuracy_picture, parts_after, sharing_picture
from webapp.workloads.models import Model


def _layer(name: str, position: int, size_bytes: int = 8) -> dict:
    return {"name": name, "position": position, "size_bytes": size_bytes}


def _member(query: str, *layers: dict) -> MergedGroupQuery:
    return MergedGroupQuery(name=query, model=Model(name=f"model of {query}", layers=list(layers)))


def test_draws_layers_in_the_order_of_the_network_and_marks_shared_ones_by_their_group():
    group = MergedGroup(
        shared_layers=[
            {"size_bytes": 8, "members": {"a": "conv2", "b": "conv2"}},
            {"size_bytes": 8, "members": {"a": "conv1", "b": "stem"}},
        ]
    )
    members = [
        _member("a", _layer("conv2", 1), _layer("conv1", 0), _layer("head", 2)),
        _member("b", _layer("stem", 0), _layer("conv2", 1)),
    ]

    first, second = sharing_picture(group, members)["columns"]
    assert [(layer["name"], layer["shared"]) for layer in first["layers"]] == [
        ("conv1", 1),
        ("conv2", 0),
        ("head", None),
    ]
    assert [(layer["name"], layer["shared"]) for layer in second["layers"]] == [("stem", 1), ("conv2", 0)]


def test_marks_every_place_where_a_query_uses_a_shared_copy():
    group = MergedGroup(shared_layers=[{"size_bytes": 8, "members": {"a": ["conv1", "conv2"], "b": ["conv1"]}}])

    picture = sharing_picture(group, [_member("a", _layer("conv1", 0), _layer("conv2", 1))])
    assert [layer["shared"] for layer in picture["columns"][0]["layers"]] == [0, 0]


def test_leaves_out_layers_without_weights():
    picture = sharing_picture(MergedGroup(shared_layers=[]), [_member("a", _layer("relu", 0, 0), _layer("fc", 1))])

    assert [layer["name"] for layer in picture["columns"][0]["layers"]] == ["fc"]


def test_measures_the_bar_after_merging_against_the_bytes_before():
    group = MergedGroup(
        bytes_before=200, bytes_after=120, shared_layers=[{"size_bytes": 80, "members": {"a": "x", "b": "x"}}]
    )

    parts = parts_after(group)
    assert (parts.shared, parts.private) == (80, 40)
    assert (parts.shared_width, parts.private_width) == ("40.00%", "20.00%")


def _judged(validation: float, lower: float, upper: float, test: float | None = None) -> MergedGroupQuery:
    return MergedGroupQuery(
        accuracy_target=0.95,
        validation_accuracy=validation,
        validation_lower=lower,
        validation_upper=upper,
        test_accuracy=test,
        test_lower=None if test is None else test - 0.01,
        test_upper=None if test is None else test + 0.01,
    )


def test_places_all_accuracies_on_one_scale_that_shows_each_of_them() -> None:
    picture = accuracy_picture([_judged(0.98, 0.96, 1.0), _judged(0.9, 0.88, 0.92, test=0.87)])

    first, second = picture.rows
    assert (picture.start, picture.end) == (0.8, 1.0)
    assert first.target_at == second.target_at == "75.00%"
    assert (first.validation.at, first.validation.left, first.validation.width) == ("90.00%", "80.00%", "20.00%")
    assert first.test is None
    assert second.test is not None
    assert second.test.left == "30.00%"


def test_a_member_is_at_target_by_the_lower_end_of_its_interval() -> None:
    assert _judged(0.98, 0.95, 1.0).is_at_target
    assert not _judged(0.98, 0.949, 1.0).is_at_target
