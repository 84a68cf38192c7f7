"""A camera on a rendered street: any frame by its index, with exact ground truth.

Path of a frame: conditions -> lit backdrop -> shadows and light pools -> objects from far to near, each into the
picture and into the id picture, fixed things in front put back -> glare, rain, noise -> truth from the id picture.
"""

from dataclasses import dataclass

import numpy as np

from edge_runtime.protocol.messages import FrameObject
from edge_runtime.scenes.address import SceneSpec
from edge_runtime.scenes.backdrop import backdrop_for
from edge_runtime.scenes.canvas import Canvas, Extent
from edge_runtime.scenes.conditions import CROSSINGS, TRAFFICS, ConditionPlan, Conditions
from edge_runtime.scenes.figures import VEHICLES, Glow, Stage, draw_actor
from edge_runtime.scenes.layouts import LAYOUTS
from edge_runtime.scenes.lens import Lens
from edge_runtime.scenes.lighting import illumination
from edge_runtime.scenes.pinhole import Pinhole
from edge_runtime.scenes.shadows import cast_shadows, light_pools
from edge_runtime.scenes.traffic import Actor, Traffic, signal_allows_walking

_MOST_OBJECTS = 254
# Smaller, better hidden or further out of the picture than this, an object is scenery: nobody could label it.
_LEAST_SIDE_SHARE = 1 / 19  # of the picture's height, for the longer side
_MOST_HIDDEN = 0.9
_LEAST_INSIDE = 0.3


@dataclass(frozen=True)
class SceneFrame:
    """`image`: (H, W, 3) uint8 RGB. `tags`: one word each for light, weather, traffic and the pedestrian crossing."""

    image: np.ndarray
    objects: tuple[FrameObject, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True)
class _Drawn:
    actor: Actor
    object_id: int
    extent: Extent


class Scene:
    """`rate_fps` is the pace at which indices stand for real time; any index may be asked for at any time."""

    def __init__(self, spec: SceneSpec) -> None:
        self.spec = spec
        self.width, self.height, self.rate_fps = spec.width, spec.height, spec.fps
        self._layout = LAYOUTS[spec.layout]
        self._pinhole = Pinhole(self._layout.poses[spec.view], spec.width, spec.height)
        self._plan = ConditionPlan(spec.light, spec.weather, spec.traffic, spec.seed, spec.turn_s)
        self._traffic = Traffic(self._layout, self._plan)
        self._backdrop = backdrop_for(spec.layout, spec.view, spec.width, spec.height)
        self._lens = Lens(spec.width, spec.height)
        self._sun = np.array(self._layout.sun) / np.linalg.norm(self._layout.sun)

    def render(self, index: int) -> SceneFrame:
        time_s = index / self.rate_fps
        conditions = self._plan.at(time_s)
        actors = self._in_view(self._traffic.at(time_s))
        canvas = self._ground(conditions, actors)
        glows: list[Glow] = []
        drawn = self._draw(canvas, conditions, actors, glows)
        lighting = illumination(conditions)
        level = max(lighting.glow, 0.22 * conditions.fog, 0.24 * conditions.rain)
        if glows and level > 0.05:
            self._lens.add_glare(canvas.image, canvas.ids, glows, level=level, is_wet=conditions.rain > 0.4)
        self._signals(canvas, time_s)
        objects = self._truth(drawn, canvas.visible_pixels())
        self._lens.finish(canvas.image, conditions, self.spec.seed, index)
        return SceneFrame(canvas.image, objects, self._tags(conditions, objects, actors))

    def _in_view(self, actors: list[Actor]) -> list[Actor]:
        """Far ones first."""
        if not actors:
            return []
        feet = np.array([(actor.x, actor.y, 0.8) for actor in actors])
        pixels, depth = self._pinhole.project(feet)
        margin = 9.0 * self._pinhole.focal / np.maximum(depth, 1.0)
        seen = (depth > 1.5) & (pixels[:, 0] > -margin) & (pixels[:, 0] < self.width + margin)
        seen &= pixels[:, 1] < self.height + margin
        return [actors[i] for i in np.argsort(-depth, kind="stable") if seen[i]][-_MOST_OBJECTS:]

    def _ground(self, conditions: Conditions, actors: list[Actor]) -> Canvas:
        lit = self._backdrop.lit(conditions)
        lighting = illumination(conditions)
        sun = self._sun if lighting.sun.max() > 0.18 else None
        image = cast_shadows(lit.image, lit.shaded, actors, self._pinhole, sun)
        if lighting.glow > 0.25:
            light_pools(image, self._backdrop.plain, actors, self._pinhole, 0.8 * lighting.glow)
        return Canvas(image)

    def _draw(self, canvas: Canvas, conditions: Conditions, actors: list[Actor], glows: list[Glow]) -> list[_Drawn]:
        background = canvas.image.copy()
        stage = Stage(
            canvas=canvas,
            pinhole=self._pinhole,
            lighting=illumination(conditions),
            sun=self._sun,
            lamplight=self._backdrop.lamplight,
            is_wet=conditions.rain > 0.4,
        )
        waiting = list(self._backdrop.occluders)
        drawn: list[_Drawn] = []
        for object_id, actor in enumerate(actors, 1):
            depth = float(self._pinhole.project(np.array([[actor.x, actor.y, 0.0]]))[1][0])
            while waiting and waiting[0].depth > depth:
                self._restore(canvas, background, waiting.pop(0), drawn)
            extent = draw_actor(stage, actor, object_id, glows)
            if extent is not None:
                drawn.append(_Drawn(actor, object_id, extent))
        for occluder in waiting:
            self._restore(canvas, background, occluder, drawn)
        return drawn

    @staticmethod
    def _restore(canvas: Canvas, background: np.ndarray, occluder: object, drawn: list[_Drawn]) -> None:
        """Puts a fixed thing back, if anything was drawn where it stands."""
        x0, y0, mask = occluder.x0, occluder.y0, occluder.mask
        x1, y1 = x0 + mask.shape[1], y0 + mask.shape[0]
        for item in drawn:
            extent = item.extent
            if extent.x0 < x1 + 2 and extent.x1 > x0 - 2 and extent.y0 < y1 + 2 and extent.y1 > y0 - 2:
                canvas.restore(background, x0, y0, mask)
                return

    def _signals(self, canvas: Canvas, time_s: float) -> None:
        """The lamp of the traffic signals: red for drivers while people may cross."""
        walking = signal_allows_walking(time_s, self.spec.seed)
        for post in self._layout.posts:
            if post.kind != "signal":
                continue
            rise = post.height + (-0.03 if walking else -0.72)
            pixel, depth = self._pinhole.project(np.array([[post.x, post.y, rise]]))
            x, y = int(pixel[0, 0]), int(pixel[0, 1])
            if depth[0] > 1 and 0 <= x < self.width and 0 <= y < self.height and canvas.ids[y, x] == 0:
                canvas.disc(
                    pixel[0], 0.15 * self._pinhole.focal / depth[0], (240, 52, 40) if walking else (70, 224, 120)
                )

    def _truth(self, drawn: list[_Drawn], visible: np.ndarray) -> tuple[FrameObject, ...]:
        found = []
        for item in drawn:
            extent = item.extent
            hidden = 1.0 - float(visible[item.object_id]) / extent.pixels
            side = max(extent.x1 - extent.x0, extent.y1 - extent.y0)
            if hidden > _MOST_HIDDEN or extent.inside < _LEAST_INSIDE or side < _LEAST_SIDE_SHARE * self.height:
                continue
            box = (
                extent.x0 / self.width, extent.y0 / self.height, extent.x1 / self.width, extent.y1 / self.height,
            )  # fmt: skip
            found.append(FrameObject(item.actor.kind, box, round(hidden, 4)))
        return tuple(found)

    def _tags(self, conditions: Conditions, objects: tuple[FrameObject, ...], actors: list[Actor]) -> tuple[str, ...]:
        vehicles = sum(item.name in VEHICLES for item in objects)
        traffic = TRAFFICS[sum(vehicles >= least for least in self._layout.traffic_from)]
        crossing = CROSSINGS[any(actor.on_crossing for actor in actors)]
        return (conditions.light_word, conditions.weather_word, traffic, crossing)
