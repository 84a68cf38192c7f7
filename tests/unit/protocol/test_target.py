"""What the box is told: newer fields have values that old messages mean."""

import msgspec

from edge_runtime.protocol.target import QueryTarget

OLD = {
    "query": "q1",
    "name": "cars",
    "slot": "s1",
    "camera": "c1",
    "objects": ["car"],
    "rate_fps": 5.0,
    "deadline_ms": 500,
    "accuracy_target": 0.95,
}


def test_a_query_without_a_zone_means_the_whole_picture() -> None:
    assert msgspec.convert(OLD, QueryTarget).zone == ()


def test_a_zone_survives_the_way_to_the_box() -> None:
    zone = ((0.1, 0.5), (0.9, 0.5), (0.5, 1.0))
    told = msgspec.json.encode(msgspec.structs.replace(msgspec.convert(OLD, QueryTarget), zone=zone))
    assert msgspec.json.decode(told, type=QueryTarget).zone == zone
