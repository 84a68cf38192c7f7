"""Draws one object of the street into a canvas: light, fog and perspective applied to meshes and jointed figures."""

import math
from dataclasses import dataclass

import numpy as np

from edge_runtime.scenes.canvas import Canvas, Extent
from edge_runtime.scenes.chance import chance
from edge_runtime.scenes.lighting import Illumination
from edge_runtime.scenes.people import (
    RIDER_STROKES,
    WALKER_STROKES,
    Stroke,
    looks_of,
    rider_joints,
    walker_joints,
    wheel_ring,
)
from edge_runtime.scenes.pinhole import NEAR_M, Pinhole
from edge_runtime.scenes.traffic import Actor
from edge_runtime.scenes.vehicles import Mesh, vehicle_mesh

VEHICLES = frozenset({"car", "truck", "bus"})
_LEAST_FACE_PIXELS = 2.2
_FRAMES = ((40, 44, 50), (150, 40, 40), (46, 84, 130), (200, 200, 196), (50, 110, 80))


@dataclass(frozen=True)
class Glow:
    """A light that may shine: `at` pixel, `reach` pixels, `owner` the object's id (None: nothing can hide it)."""

    at: np.ndarray
    reach: float
    colour: tuple[int, int, int]
    owner: int | None


@dataclass(frozen=True)
class Stage:
    """What all figures of one frame share. `sun`: direction towards it."""

    canvas: Canvas
    pinhole: Pinhole
    lighting: Illumination
    sun: np.ndarray
    lamplight: np.ndarray
    is_wet: bool

    def lamp_at(self, pixel: np.ndarray) -> float:
        height, width = self.lamplight.shape
        row, column = min(height - 1, max(0, int(pixel[1]))), min(width - 1, max(0, int(pixel[0])))
        return float(self.lamplight[row, column])

    def fogged(self, colours: np.ndarray, depth: float) -> np.ndarray:
        seen = math.exp(-depth * self.lighting.fog_per_m)
        return np.clip(self.lighting.fog_colour + (colours - self.lighting.fog_colour) * seen, 0, 255)


def to_world(points: np.ndarray, actor: Actor) -> np.ndarray:
    """(..., 3) in the actor's own space to the world."""
    cos, sin = math.cos(actor.heading), math.sin(actor.heading)
    turn = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
    return points @ turn + (actor.x, actor.y, 0.0)


def to_own(direction: np.ndarray, actor: Actor) -> np.ndarray:
    """(3,) in the world to the actor's own axes."""
    cos, sin = math.cos(actor.heading), math.sin(actor.heading)
    x, y, z = direction.tolist()
    return np.array([x * cos + y * sin, y * cos - x * sin, z])


def draw_actor(stage: Stage, actor: Actor, object_id: int, glows: list[Glow]) -> Extent | None:
    """The object's unhidden extent, None where nothing of it lies in the picture."""
    if actor.kind in VEHICLES:
        return _draw_vehicle(stage, actor, object_id, glows)
    if actor.kind == "bicycle":
        return _draw_rider(stage, actor, object_id, glows)
    return _draw_walker(stage, actor, object_id)


def _draw_vehicle(stage: Stage, actor: Actor, object_id: int, glows: list[Glow]) -> Extent | None:
    mesh = vehicle_mesh(actor.kind, actor.key)
    ground, middle = stage.pinhole.project(np.array([[actor.x, actor.y, 0.0]]))
    depth = float(middle[0])
    if depth - mesh.size[0] / 2 < NEAR_M:
        return None
    camera = to_own(stage.pinhole.position - (actor.x, actor.y, 0.0), actor)
    facing = ((camera - mesh.corners[:, 0]) * mesh.normals).sum(-1) > 0
    facing &= mesh.reach * stage.pinhole.focal > _LEAST_FACE_PIXELS * depth
    order = mesh.order_ahead if camera[0] > 0 else mesh.order_behind
    faces = order[facing[order]]
    pixels, near = stage.pinhole.project(to_world(mesh.corners[faces].reshape(-1, 3), actor))
    if near.min() < NEAR_M:
        return None
    outline = pixels.reshape(len(faces), -1, 2)
    colours = _lit_faces(stage, actor, mesh, faces, stage.lamp_at(ground[0]), depth).tolist()
    for row, is_body in enumerate(mesh.is_body[faces].tolist()):
        stage.canvas.polygon(outline[row], colours[row], object_id if is_body else 0)
    if stage.lighting.glow > 0.25 or stage.lighting.fog_per_m > 0.02 or stage.is_wet:
        _vehicle_glows(stage, actor, mesh, camera[0] > 0, object_id, glows)
    return stage.canvas.extent(object_id, pixels, 1.0)


def _lit_faces(stage: Stage, actor: Actor, mesh: Mesh, faces: np.ndarray, lamp: float, depth: float) -> np.ndarray:
    """(len(faces), 3) RGB 0..255."""
    lighting, normals = stage.lighting, mesh.normals[faces]
    upward = (0.80 + 0.24 * normals[:, 2])[:, None]
    direct = np.clip(normals @ to_own(stage.sun, actor), 0, 1)[:, None]
    light = lighting.ambient * upward + lighting.sun * direct + lighting.lamp * (lamp * 0.8) * upward
    colours = mesh.colours[faces] * light
    # Paint mirrors a little of the sky: without it flat faces look like card.
    colours += (lighting.fog_colour * 0.10) * np.clip(normals[:, 2:], 0, 1)
    return stage.fogged(np.minimum(colours, 255), depth)


def _vehicle_glows(stage: Stage, actor: Actor, mesh: Mesh, is_ahead: bool, object_id: int, glows: list[Glow]) -> None:
    points, colour = (mesh.lamps, (255, 246, 214)) if is_ahead else (mesh.tails, (255, 34, 24))
    strength = 1.0 if is_ahead else (0.6 if actor.is_moving else 0.95)
    pixels, depth = stage.pinhole.project(to_world(points, actor))
    for pixel, distance in zip(pixels, depth, strict=True):
        glows.append(Glow(pixel, strength * 0.34 * stage.pinhole.focal / float(distance), colour, object_id))


def _draw_walker(stage: Stage, actor: Actor, object_id: int) -> Extent | None:
    looks = looks_of(actor.key)
    joints = walker_joints(looks.height, actor.step + chance(actor.key, 26), actor.is_moving)
    colours = {
        "coat": looks.coat, "trousers": looks.trousers, "skin": looks.skin, "hair": looks.hair, "shoes": (38, 34, 32),
    }  # fmt: skip
    return _draw_figure(stage, actor, object_id, joints, WALKER_STROKES, colours)


def _draw_rider(stage: Stage, actor: Actor, object_id: int, glows: list[Glow]) -> Extent | None:
    looks = looks_of(actor.key)
    frame = _FRAMES[int(chance(actor.key, 41) * len(_FRAMES))]
    helmet = (230, 230, 226) if looks.has_bag else looks.hair
    colours = {"coat": looks.coat, "trousers": looks.trousers, "skin": looks.skin, "helmet": helmet, "frame": frame}
    rims = np.concatenate([to_world(wheel_ring(hub), actor) for hub in (-0.54, 0.56)])
    pixels, depth = stage.pinhole.project(rims)
    if depth.min() < NEAR_M:
        return None
    scale = stage.pinhole.focal / float(depth.mean())
    tyre = stage.fogged(np.array((34, 34, 36)) * (stage.lighting.ambient + 0.3 * stage.lighting.sun), depth.mean())
    for ring in (pixels[:15], pixels[15:]):
        stage.canvas.line(ring, 0.06 * scale, tyre.tolist(), object_id)
    extent = _draw_figure(stage, actor, object_id, rider_joints(actor.step), RIDER_STROKES, colours, pixels)
    if stage.lighting.glow > 0.25:
        lamp, distance = stage.pinhole.project(to_world(np.array([[0.6, 0.0, 0.85]]), actor))
        glows.append(Glow(lamp[0], 0.16 * stage.pinhole.focal / float(distance[0]), (255, 250, 230), object_id))
    return extent


def _draw_figure(
    stage: Stage,
    actor: Actor,
    object_id: int,
    joints: np.ndarray,
    strokes: tuple[Stroke, ...],
    colours: dict[str, tuple[int, int, int]],
    also: np.ndarray | None = None,
) -> Extent | None:
    pixels, depth = stage.pinhole.project(to_world(joints, actor))
    if depth.min() < NEAR_M:
        return None
    distance = float(depth.mean())
    scale = stage.pinhole.focal / distance
    lighting = stage.lighting
    light = lighting.ambient + 0.62 * lighting.sun + lighting.lamp * stage.lamp_at(pixels[-2]) * 0.8
    lit = {part: stage.fogged(np.minimum(np.array(colour) * light, 255), distance) for part, colour in colours.items()}
    for stroke in strokes:
        colour = (lit[stroke.part] * stroke.shade).tolist()
        if len(stroke.joints) == 1:
            stage.canvas.disc(pixels[stroke.joints[0]], stroke.width / 2 * scale, colour, object_id)
        else:
            stage.canvas.line(pixels[list(stroke.joints)], stroke.width * scale, colour, object_id)
    outline = pixels if also is None else np.concatenate([pixels, also])
    return stage.canvas.extent(object_id, outline, 0.25 * scale + 2)
