"""Tiny videos for tests: frame n is grey of level 20 + 10 n, so that a picture tells its number."""

import av
import numpy as np

SIZE = (32, 64)


def write_video(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=5)
        stream.height, stream.width = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(frames):
            image = np.full((*SIZE, 3), 20 + 10 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def number_of(image):
    return round((float(image.mean()) - 20) / 10)
