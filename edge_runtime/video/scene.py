"""A rendered scene as a video source: pictures with their exact ground truth."""

from collections.abc import Iterator
from functools import partial

from edge_runtime.scenes import Scene, parse_scene
from edge_runtime.video.capture import Content, Picture


class SceneCapture:
    """Endless, paced by its reader like a file. Raises what `parse_scene` raises for an address it does not know."""

    codec = "rendered"
    is_live = False
    is_paced = True

    def __init__(self, source: str) -> None:
        self._scene = Scene(parse_scene(source))
        self.rate_fps = float(self._scene.rate_fps)
        self.width, self.height = self._scene.width, self._scene.height

    def pictures(self) -> Iterator[Picture]:
        index = 0
        while True:
            yield Picture(index / self.rate_fps, partial(self._load, index))
            index += 1

    def hurry(self, is_behind: bool) -> None:
        pass

    def close(self) -> None:
        pass

    def _load(self, index: int) -> Content:
        frame = self._scene.render(index)
        return Content(frame.image, frame.objects, frame.tags)
