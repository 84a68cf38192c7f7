"""Zones as text, and which polygons are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webapp.common.errors import InvalidInput
from webapp.workloads.zones import checked_zone, read_zone, zone_area, zone_text

SQUARE = ((0.1, 0.5), (0.9, 0.5), (0.9, 1.0), (0.1, 1.0))


def test_reads_corners_in_percent() -> None:
    assert read_zone("10,50 90,50 90,100 10,100") == SQUARE
    assert read_zone(" 10 , 50;90,50\n90,100\t10,100 ") == SQUARE
    assert read_zone(" ") == ()


@given(st.lists(st.tuples(*[st.integers(0, 1000)] * 2), max_size=20))
def test_text_and_zone_say_the_same(corners: list[tuple[int, int]]) -> None:
    zone = tuple((x / 1000, y / 1000) for x, y in corners)
    assert read_zone(zone_text(zone)) == zone


@pytest.mark.parametrize("text", ["10", "10,50,90", "ten,50", "10,nan", "1e1,50", "10,50 90"])
def test_text_that_is_no_corner_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no corner"):
        read_zone(text)


def test_area_is_that_of_the_figure_whichever_way_it_is_drawn() -> None:
    assert zone_area(SQUARE) == pytest.approx(0.4)
    assert zone_area(SQUARE[::-1]) == pytest.approx(0.4)
    assert zone_area(((0, 0), (1, 0), (0, 1))) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "zone",
    [
        (),
        SQUARE,
        ((0, 0), (1, 0), (0, 1)),
        ((0, 0), (0.5, 0), (0.5, 0.5), (1, 0.5), (1, 1), (0, 1)),  # an L
        ((0, 0), (0.5, 0), (1, 0), (1, 1), (0, 1)),  # a corner on a straight edge
        (*((round(index / 19, 4), 0.2 + 0.02 * (index % 2)) for index in range(19)), (0.5, 1.0)),  # twenty corners
    ],
)
def test_takes_what_encloses_a_part_of_the_picture(zone: tuple[tuple[float, float], ...]) -> None:
    assert checked_zone(zone) == zone


@pytest.mark.parametrize(
    ("zone", "sentence"),
    [
        (SQUARE[:2], "3 to 20 corners; this one has 2"),
        (tuple((index / 21, (index % 2) / 2) for index in range(21)), "this one has 21"),
        (((-0.1, 0), (1, 0), (0, 1)), "inside the picture"),
        (((0, 0), (1, 0), (0, 1.1)), "inside the picture"),
        (((0, 0), (1, 0), (0, float("nan"))), "inside the picture"),
        (((0, 0), (1, 1), (1, 0), (0, 1)), "cross or touch"),  # a bow tie
        (((0, 0), (0, 0), (1, 0), (0, 1)), "cross or touch"),  # a corner twice
        (((0, 0), (1, 0), (0.5, 0), (0.5, 1)), "cross or touch"),  # an edge back on the last one
        (((0.5, 0), (1, 0.5), (0.5, 1), (0, 0.5), (0.75, 0.25)), "cross or touch"),  # and on the first
        (((0, 0), (1, 0), (1, 1), (0.5, 0), (0, 1)), "cross or touch"),  # a corner on another edge
        (((0, 0), (0.5, 0.5), (1, 1)), "cross or touch"),  # a line
        (((0, 0), (0.01, 0), (0, 0.01)), "too small"),
    ],
)
def test_refuses_what_encloses_nothing_or_not_clearly(zone: tuple[tuple[float, float], ...], sentence: str) -> None:
    with pytest.raises(InvalidInput, match=sentence):
        checked_zone(zone)
