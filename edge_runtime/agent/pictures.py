"""Pictures on their way out of the box: size, blur, JPEG. All images are (H, W, 3) uint8 RGB."""

import cv2
import numpy as np

from edge_runtime.protocol.errors import GemelError

DATASET_QUALITY = 92
PREVIEW_QUALITY = 80
PREVIEW_WIDTH = 640
_MARGIN = 0.15
_COARSE_WIDTH = 24


class PictureError(GemelError):
    code = "picture"


def jpeg(image: np.ndarray, *, quality: int) -> bytes:
    is_encoded, data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not is_encoded:
        raise PictureError("A picture could not be written as JPEG.")
    return data.tobytes()


def narrowed(image: np.ndarray, *, width: int = PREVIEW_WIDTH) -> np.ndarray:
    """A copy that is at most `width` wide, so that drawing on it leaves the frame alone."""
    height_now, width_now = image.shape[:2]
    if width_now <= width:
        return image.copy()
    return cv2.resize(image, (width, max(1, round(height_now * width / width_now))), interpolation=cv2.INTER_AREA)


def pixelated(image: np.ndarray) -> np.ndarray:
    """The whole picture in blocks so coarse that nobody can be recognised."""
    height, width = image.shape[:2]
    rows = max(1, round(_COARSE_WIDTH * height / width))
    small = cv2.resize(image, (_COARSE_WIDTH, rows), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def blurred(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """A copy with every box, and a margin around it, made unrecognisable. `boxes`: (N, 4), xyxy, fractions 0..1."""
    result = image.copy()
    height, width = image.shape[:2]
    for left, top, right, bottom in boxes:
        margin_x, margin_y = _MARGIN * (right - left), _MARGIN * (bottom - top)
        x0, x1 = _span(left - margin_x, right + margin_x, width)
        y0, y1 = _span(top - margin_y, bottom + margin_y, height)
        if x1 > x0 and y1 > y0:
            # Blocks instead of a Gaussian: an average over few cells cannot be sharpened back.
            part = cv2.resize(result[y0:y1, x0:x1], (3, 4), interpolation=cv2.INTER_AREA)
            result[y0:y1, x0:x1] = cv2.resize(part, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR)
    return result


def _span(low: float, high: float, size: int) -> tuple[int, int]:
    return max(0, int(np.floor(low * size))), min(size, int(np.ceil(high * size)))
