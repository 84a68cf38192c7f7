"""The places that can be rendered, as data: ground, buildings, trees, lamps, lanes, walks and camera positions.

Metres; x right, y ahead, z up. Vehicles keep to the right. Lanes and walks are straight.
"""

from dataclasses import dataclass

from edge_runtime.scenes.pinhole import Pose


@dataclass(frozen=True)
class Patch:
    """A rectangle of ground. `surface`: asphalt, paving, grass, water, bikeway or deck; later patches lie on top."""

    surface: str
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True)
class Marking:
    """A painted line; `dash_m` > 0 breaks it into dashes with equal gaps. `colour`: white or yellow."""

    x0: float
    y0: float
    x1: float
    y1: float
    width: float = 0.14
    dash_m: float = 0.0
    colour: str = "white"


@dataclass(frozen=True)
class Zebra:
    """A pedestrian crossing over a road; `axis` is the direction in which people walk."""

    x0: float
    y0: float
    x1: float
    y1: float
    axis: str


@dataclass(frozen=True)
class Facade:
    """One building front from (x0, y0) to (x1, y1), seen from the side where x0 is on the left.

    `style`: brick, plaster, stone, office, tower or wall. `pitched`: with a tiled roof. `shop`: with a shop.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    height: float
    style: str
    seed: int
    pitched: bool = False
    shop: bool = False


@dataclass(frozen=True)
class Post:
    """Something that stands and may hide what is behind. `kind`: tree, lamp, signal, bollard, pylon or hedge."""

    kind: str
    x: float
    y: float
    height: float
    seed: int = 0
    towards: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True)
class Rail:
    """A parapet of posts and bars between two points."""

    x0: float
    y0: float
    x1: float
    y1: float
    height: float = 1.1


@dataclass(frozen=True)
class Lane:
    """`stop_at_m`: how far along the lane vehicles wait for people, None where nobody crosses.

    `kinds`: how often each kind of object drives here.
    """

    x0: float
    y0: float
    x1: float
    y1: float
    speed: float
    gap_m: float = 9.0
    stop_at_m: float | None = None
    kinds: tuple[tuple[str, float], ...] = (("car", 0.72), ("truck", 0.16), ("bus", 0.12))
    follows_traffic: bool = True
    occupancy: float = 0.0


@dataclass(frozen=True)
class Walk:
    """A strip where people walk both ways. `occupancy`: share of the places (every `gap_m`) that hold somebody."""

    x0: float
    y0: float
    x1: float
    y1: float
    half_width: float
    occupancy: float
    gap_m: float = 2.6


@dataclass(frozen=True)
class Layout:
    """`traffic_from`: least numbers of vehicles in view that count as moderate and as heavy traffic."""

    name: str
    ground: tuple[float, float, float, float]
    patches: tuple[Patch, ...]
    markings: tuple[Marking, ...]
    facades: tuple[Facade, ...]
    posts: tuple[Post, ...]
    lanes: tuple[Lane, ...]
    walks: tuple[Walk, ...]
    poses: dict[str, Pose]
    traffic_from: tuple[int, int]
    zebra: Zebra | None = None
    rails: tuple[Rail, ...] = ()
    sun: tuple[float, float, float] = (-0.45, -0.5, 0.74)
    far_ground: str = "paving"


BIKES = (("bicycle", 1.0),)


def _terrace(x0: float, y0: float, x1: float, y1: float, count: int, seed: int, height: float) -> tuple[Facade, ...]:
    """A row of `count` houses of different styles between two points."""
    styles = ("brick", "plaster", "stone", "plaster", "brick", "office")
    pieces = []
    for i in range(count):
        a, b = i / count, (i + 1) / count
        ends = (x0 + (x1 - x0) * a, y0 + (y1 - y0) * a, x0 + (x1 - x0) * b, y0 + (y1 - y0) * b)
        style = styles[(seed * 7 + i * 5) % len(styles)]
        rise = height + ((seed * 13 + i * 29) % 7 - 3) * 0.9
        pieces.append(Facade(*ends, rise, style, seed * 100 + i, style != "office", (i + seed) % 3 != 0))
    return tuple(pieces)


def _row(kind: str, x: float, y0: float, y1: float, step: float, height: float, towards: float) -> tuple[Post, ...]:
    count = int((y1 - y0) / step) + 1
    return tuple(
        Post(kind, x, y0 + i * step, height + (i * 37 % 5) * 0.18 * (kind == "tree"), i + int(abs(x)), (towards, 0.0))
        for i in range(count)
    )


def _street() -> Layout:
    return Layout(
        name="street",
        ground=(-24.0, 0.0, 24.0, 112.0),
        patches=(
            Patch("paving", -24, 0, 24, 112),
            Patch("asphalt", -7, 0, 7, 98),
            Patch("asphalt", -24, 88, 24, 98),
            Patch("bikeway", 7.3, 0, 8.7, 86),
        ),
        markings=(
            Marking(0, 0, 0, 84, 0.16, 0, "yellow"),
            Marking(-3.4, 0, -3.4, 84, 0.13, 3.0),
            Marking(3.4, 0, 3.4, 84, 0.13, 3.0),
            Marking(-6.75, 0, -6.75, 86, 0.12),
            Marking(6.75, 0, 6.75, 86, 0.12),
            Marking(0.4, 85, 6.6, 85, 0.45),
        ),
        facades=(
            *_terrace(-11.5, 6, -11.5, 88, 7, 3, 11.5),
            *_terrace(11.8, 88, 11.8, 6, 7, 5, 10.5),
            *_terrace(-26, 104, 26, 104, 5, 8, 14.0),
        ),
        posts=(
            *_row("tree", -9.6, 17, 78, 12, 5.6, 0),
            *_row("tree", 10.4, 23, 78, 14, 5.2, 0),
            *_row("lamp", -7.7, 12, 84, 18, 7.2, 1),
            *_row("lamp", 9.2, 21, 84, 18, 7.2, -1),
        ),
        lanes=(
            Lane(-1.75, 96, -1.75, -4, 8.6),
            Lane(-5.05, 96, -5.05, -4, 7.0),
            Lane(1.75, -4, 1.75, 96, 8.9),
            Lane(5.05, -4, 5.05, 96, 7.3),
            Lane(8.0, 2, 8.0, 86, 4.2, 6.0, None, BIKES, False, 0.12),
        ),
        walks=(Walk(-8.9, 4, -8.9, 86, 0.9, 0.10), Walk(10.0, 4, 10.0, 86, 0.8, 0.09)),
        poses={
            "north": Pose(-2.6, -2.0, 7.2, 4.0, 15.0, 62.0),
            "kerb": Pose(6.4, -1.0, 6.0, -9.0, 12.0, 60.0),
        },
        traffic_from=(4, 12),
    )


def _crossing() -> Layout:
    return Layout(
        name="crossing",
        ground=(-46.0, -14.0, 50.0, 16.0),
        patches=(
            Patch("paving", -46, -14, 50, 16),
            Patch("grass", -46, -14, -9, -5.2),
            Patch("asphalt", -46, 0, 50, 8.6),
            Patch("bikeway", -46, -2.1, 50, -0.5),
        ),
        markings=(
            Marking(-46, 4.3, -3.4, 4.3, 0.13, 2.2),
            Marking(7.6, 4.3, 50, 4.3, 0.13, 2.2),
            Marking(-46, 0.3, -0.4, 0.3, 0.12),
            Marking(4.9, 0.3, 50, 0.3, 0.12),
            Marking(-46, 8.3, -0.4, 8.3, 0.12),
            Marking(4.9, 8.3, 50, 8.3, 0.12),
            Marking(-2.2, 0.4, -2.2, 4.2, 0.42),
            Marking(6.7, 4.4, 6.7, 8.2, 0.42),
        ),
        facades=(*_terrace(-50, 14.6, 52, 14.6, 9, 4, 11.0),),
        posts=(
            Post("tree", -12.5, 11.6, 5.8, 1),
            Post("tree", -21.5, 11.8, 5.2, 2),
            Post("tree", 11.0, 11.7, 5.6, 3),
            Post("tree", 20.5, 11.7, 6.0, 4),
            Post("tree", -11.5, -4.4, 4.6, 5),
            Post("lamp", -5.6, 9.6, 7.0, 1, (0, -1)),
            Post("lamp", 9.3, 9.6, 7.0, 2, (0, -1)),
            Post("lamp", 25.0, 9.6, 7.0, 3, (0, -1)),
            Post("lamp", -24.0, 9.6, 7.0, 3, (0, -1)),
            Post("signal", -1.2, 9.3, 3.4, 1, (1, 0)),
            Post("signal", 5.8, -0.2, 3.4, 2, (-1, 0)),
            Post("bollard", -2.4, -0.25, 0.9),
            Post("bollard", 7.0, 9.0, 0.9),
            Post("bollard", 8.4, 9.0, 0.9),
            Post("hedge", -16.0, -6.0, 1.0, 3),
        ),
        lanes=(
            Lane(-46, 2.25, 50, 2.25, 8.4, 9.0, 43.2),
            Lane(50, 6.35, -46, 6.35, 8.1, 9.0, 42.6),
            Lane(-46, -1.3, 50, -1.3, 4.0, 5.5, None, BIKES, False, 0.20),
        ),
        walks=(Walk(-40, 10.9, 44, 10.9, 1.1, 0.09), Walk(-40, -3.7, 44, -3.7, 1.0, 0.07)),
        poses={
            "market": Pose(-4.8, -12.6, 6.4, 19.0, 19.0, 62.0),
            "corner": Pose(11.5, -11.0, 5.6, -28.0, 17.0, 62.0),
        },
        traffic_from=(1, 3),
        zebra=Zebra(0.3, 0.0, 4.3, 8.6, "y"),
    )


def _bridge() -> Layout:
    return Layout(
        name="bridge",
        ground=(-12.0, 0.0, 12.0, 124.0),
        patches=(
            Patch("deck", -10.4, 0, 10.4, 124),
            Patch("asphalt", -7.2, 0, 7.2, 124),
            Patch("bikeway", 7.5, 0, 8.7, 124),
        ),
        markings=(
            Marking(-0.13, 0, -0.13, 124, 0.12, 0, "yellow"),
            Marking(0.13, 0, 0.13, 124, 0.12, 0, "yellow"),
            Marking(-3.6, 0, -3.6, 124, 0.13, 3.5),
            Marking(3.6, 0, 3.6, 124, 0.13, 3.5),
            Marking(-6.95, 0, -6.95, 124, 0.14),
            Marking(6.95, 0, 6.95, 124, 0.14),
        ),
        facades=(
            Facade(-420, 246, 420, 246, 3.2, "wall", 7),
            *(
                Facade(x, 250 + x % 17, x + width, 250 + x % 17, height, "tower", 900 + i)
                for i, (x, width, height) in enumerate(
                    (
                        (-190, 34, 22),
                        (-150, 26, 40),
                        (-118, 22, 28),
                        (-92, 30, 52),
                        (-58, 22, 34),
                        (-34, 20, 26),
                        (-12, 24, 38),
                        (16, 18, 24),
                        (38, 26, 46),
                        (68, 20, 30),
                        (92, 30, 60),
                        (126, 26, 36),
                        (156, 34, 24),
                    )
                )
            ),
        ),
        posts=(
            Post("pylon", -10.6, 52, 24.0),
            Post("pylon", 10.6, 52, 24.0),
            *_row("lamp", -7.5, 14, 110, 24, 7.4, 1),
            *_row("lamp", 7.3, 26, 110, 24, 7.4, -1),
        ),
        lanes=(
            Lane(-1.85, 122, -1.85, -4, 10.5, 10.5),
            Lane(-5.3, 122, -5.3, -4, 8.8, 10.5),
            Lane(1.85, -4, 1.85, 122, 10.9, 10.5),
            Lane(5.3, -4, 5.3, 122, 9.0, 10.5),
            Lane(8.1, 2, 8.1, 120, 4.4, 7.0, None, BIKES, False, 0.10),
        ),
        walks=(Walk(-8.8, 2, -8.8, 120, 0.7, 0.05), Walk(9.4, 2, 9.4, 120, 0.4, 0.03)),
        poses={
            "east": Pose(5.6, -3.5, 8.2, -8.0, 11.5, 58.0),
            "west": Pose(-6.6, -4.5, 10.5, 9.0, 16.0, 60.0),
        },
        traffic_from=(4, 11),
        rails=(Rail(-10.2, 1, -10.2, 122), Rail(10.2, 1, 10.2, 122)),
        sun=(0.5, 0.35, 0.79),
        far_ground="water",
    )


LAYOUTS = {layout.name: layout for layout in (_street(), _crossing(), _bridge())}
VIEWS = {name: tuple(layout.poses) for name, layout in LAYOUTS.items()}
