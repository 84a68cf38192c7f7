"""A picture being drawn, with a second one beside it that says which object each pixel belongs to.

Objects are drawn from far to near. Ids are 1..254; 0 is the fixed scenery. Because every object is drawn into both, the
id picture gives its exact extent when it is drawn, and what is left of it at the end.
"""

from dataclasses import dataclass

import cv2
import numpy as np

_SHIFT = 4
_ONE = 1 << _SHIFT


@dataclass
class Extent:
    """Pixels an object covers before anything hides it: half-open columns x0..x1, rows y0..y1, and how many.

    `inside`: share of its whole rectangle that lies in the picture.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    pixels: int
    inside: float


class Canvas:
    """`image`: (H, W, 3) uint8 RGB, drawn into. `ids`: (H, W) uint8."""

    def __init__(self, image: np.ndarray) -> None:
        self.image = image
        self.ids = np.zeros(image.shape[:2], np.uint8)

    def polygon(self, points: np.ndarray, colour: tuple[float, ...], object_id: int = 0) -> None:
        """`points`: (N, 2) pixels, convex. With `object_id` it belongs to the object's outline."""
        fixed = np.rint(points * _ONE).astype(np.int32)
        cv2.fillConvexPoly(self.image, fixed, colour, cv2.LINE_AA, _SHIFT)
        if object_id:
            cv2.fillConvexPoly(self.ids, fixed, object_id, cv2.LINE_8, _SHIFT)

    def line(self, points: np.ndarray, width: float, colour: tuple[float, ...], object_id: int) -> None:
        """`points`: (N, 2) pixels, joined by strokes with round ends."""
        fixed = [np.rint(points * _ONE).astype(np.int32)]
        thickness = max(1, round(width))
        cv2.polylines(self.image, fixed, False, colour, thickness, cv2.LINE_AA, _SHIFT)
        cv2.polylines(self.ids, fixed, False, object_id, thickness, cv2.LINE_8, _SHIFT)

    def disc(self, centre: np.ndarray, radius: float, colour: tuple[float, ...], object_id: int = 0) -> None:
        at, reach = (round(float(centre[0]) * _ONE), round(float(centre[1]) * _ONE)), max(8, round(radius * _ONE))
        cv2.circle(self.image, at, reach, colour, -1, cv2.LINE_AA, _SHIFT)
        if object_id:
            cv2.circle(self.ids, at, reach, object_id, -1, cv2.LINE_8, _SHIFT)

    def extent(self, object_id: int, points: np.ndarray, margin: float) -> Extent | None:
        """What the object just drawn covers, within `margin` pixels of `points`; None when out of the picture."""
        height, width = self.ids.shape
        low, high = points.min(0) - margin, points.max(0) + margin + 1
        clipped = np.minimum(high, (width, height)) - np.maximum(low, 0)
        x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
        x1, y1 = min(width, int(high[0]) + 1), min(height, int(high[1]) + 1)
        if x0 >= x1 or y0 >= y1:
            return None
        own = self.ids[y0:y1, x0:x1] == object_id
        columns, rows = np.flatnonzero(own.any(0)), np.flatnonzero(own.any(1))
        if not len(columns):
            return None
        return Extent(
            x0=x0 + int(columns[0]),
            y0=y0 + int(rows[0]),
            x1=x0 + int(columns[-1]) + 1,
            y1=y0 + int(rows[-1]) + 1,
            pixels=int(np.count_nonzero(own)),
            inside=float(clipped.prod() / (high - low).prod()),
        )

    def restore(self, source: np.ndarray, x0: int, y0: int, mask: np.ndarray) -> None:
        """Puts the scenery in `source` back where `mask` is set: something fixed stands in front."""
        area = (slice(y0, y0 + mask.shape[0]), slice(x0, x0 + mask.shape[1]))
        cv2.copyTo(source[area], mask, self.image[area])
        self.ids[area][mask > 0] = 0

    def visible_pixels(self) -> np.ndarray:
        """(256,) int: pixels left of every id."""
        return np.bincount(self.ids.ravel(), minlength=256)
