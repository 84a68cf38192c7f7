"""Zones as people write them, and which polygons make one. Pure; the box says which objects stand in a zone.

A zone is a tuple of corners (x, y), fractions of the picture from its upper left (protocol.target.Zone). Written, it is
in percent: "10,50 90,50 90,100 10,100".
"""

import re
from collections.abc import Sequence
from itertools import combinations

from django.utils.translation import gettext

from edge_runtime.protocol.target import Zone
from webapp.common.errors import InvalidInput

CORNERS = (3, 20)
_AREA_MIN = 0.001  # of the picture: less than the foot of a person far away
_DIGITS = 4
_CORNER = re.compile(r"(-?\d+(?:\.\d+)?),(-?\d+(?:\.\d+)?)")

Point = Sequence[float]


def zone_text(zone: Sequence[Point]) -> str:
    return " ".join(f"{100 * x:.4g},{100 * y:.4g}" for x, y in zone)


def read_zone(text: str) -> Zone:
    """The zone that `zone_text` wrote, or that a person did. Raises InvalidInput."""
    corners = []
    for part in re.sub(r"\s*,\s*", ",", text.strip()).replace(";", " ").split():
        match = _CORNER.fullmatch(part)
        if match is None:
            raise InvalidInput(
                gettext(
                    '"%(part)s" is no corner. Write each as two percentages with a comma between, such as "10,50 '
                    '90,50 90,100 10,100".'
                )
                % {"part": part[:40]},
                field="zone",
            )
        corners.append((round(float(match[1]) / 100, _DIGITS), round(float(match[2]) / 100, _DIGITS)))
    return tuple(corners)


def checked_zone(zone: Sequence[Point]) -> Zone:
    """`zone`, rounded; empty for the whole picture. Raises InvalidInput for one that no object can be told to be in."""
    corners = tuple((round(float(x), _DIGITS), round(float(y), _DIGITS)) for x, y in zone)
    if not corners:
        return ()
    low, high = CORNERS
    if not low <= len(corners) <= high:
        raise InvalidInput(
            gettext(
                "A zone has %(low)s to %(high)s corners; this one has %(corners)s. Clear it to count in the "
                "whole picture."
            )
            % {"low": low, "high": high, "corners": len(corners)},
            field="zone",
        )
    if not all(0 <= value <= 1 for corner in corners for value in corner):
        raise InvalidInput(gettext("A zone lies inside the picture: every corner from 0 to 100 percent."), field="zone")
    if not _is_simple(corners):
        raise InvalidInput(gettext("The zone's edges cross or touch each other. Move its corners apart."), field="zone")
    if zone_area(corners) < _AREA_MIN:
        raise InvalidInput(
            gettext("The zone is too small to hold anything. Draw a larger one, or clear it."), field="zone"
        )
    return corners


def zone_area(zone: Sequence[Point]) -> float:
    """As a fraction of the picture (Gauss's shoelace formula)."""
    following = [*zone[1:], *zone[:1]]
    return abs(sum(x * next_y - next_x * y for (x, y), (next_x, next_y) in zip(zone, following, strict=True))) / 2


def _is_simple(zone: Zone) -> bool:
    """Whether no two edges share a point, other than the corner between neighbours."""
    count = len(zone)
    edges = [(zone[index], zone[(index + 1) % count]) for index in range(count)]
    if any(start == end for start, end in edges):
        return False
    for first, second in combinations(range(count), 2):
        (a, b), (c, d) = edges[first], edges[second]
        if second == first + 1:
            is_apart = not _turns_back(a, b, d)
        elif first == 0 and second == count - 1:
            is_apart = not _turns_back(c, d, b)
        else:
            is_apart = not _meet(a, b, c, d)
        if not is_apart:
            return False
    return True


def _turns_back(a: Point, corner: Point, b: Point) -> bool:
    """Whether the edge from `corner` to `b` lies on the one that came from `a`."""
    backwards = (a[0] - corner[0]) * (b[0] - corner[0]) + (a[1] - corner[1]) * (b[1] - corner[1])
    return _side(a, corner, b) == 0 and backwards > 0


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the edges a-b and c-d share a point."""
    if _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0:
        return True
    ends = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(_side(start, end, point) == 0 and _is_between(start, end, point) for start, end, point in ends)


def _side(start: Point, end: Point, point: Point) -> int:
    """-1, 0 or 1: right of, on, or left of the line. Whole numbers, so that "on" means on."""
    (x0, y0), (x1, y1), (x, y) = (tuple(round(value * 10**_DIGITS) for value in place) for place in (start, end, point))
    turn = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
    return (turn > 0) - (turn < 0)


def _is_between(start: Point, end: Point, point: Point) -> bool:
    """Whether a point on the line lies between the two."""
    return all(min(s, e) <= p <= max(s, e) for s, e, p in zip(start, end, point, strict=True))
