"""Small films for tests, drawn and encoded on the spot."""

from pathlib import Path

import av
import numpy as np


def write_clip(path: Path, *, frames: int = 24, rate_fps: int = 12, size: tuple[int, int] = (96, 64)) -> Path:
    """An H.264 film of a bright square that moves right on a dark ground. `size`: (width, height)."""
    width, height = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate_fps)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"preset": "ultrafast", "tune": "zerolatency", "g": "6"}
        for index in range(frames):
            image = np.full((height, width, 3), 40, np.uint8)
            left = (index * 4) % (width - 16)
            image[24:40, left : left + 16] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path
