"""Addresses of rendered scenes, e.g. scene://crossing?seed=3&light=night&weather=cycle.

Host: the layout. `view` picks one of its camera positions. `seed` decides who drives and walks when, and where in its
cycle each condition starts; streets and buildings depend on layout and view only, as for a camera that stays put.
`light=day-night` is day at first and turns to night after `turn_s` seconds, for good; weather and traffic likewise.
"""

from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, urlsplit

from edge_runtime.protocol.errors import GemelError
from edge_runtime.scenes.conditions import LIGHTS, TRAFFICS, TURN, WEATHERS
from edge_runtime.scenes.layouts import VIEWS

CYCLE = "cycle"


class SceneError(GemelError):
    code = "scene_address"


@dataclass(frozen=True)
class SceneSpec:
    """One rendered camera. `light`, `weather`, `traffic`: a word of their vocabulary, two with "-", or "cycle"."""

    layout: str
    view: str
    seed: int = 1
    light: str = CYCLE
    weather: str = CYCLE
    traffic: str = CYCLE
    width: int = 480
    height: int = 270
    fps: float = 10.0
    turn_s: int = 60

    @property
    def address(self) -> str:
        parameters = "&".join(f"{field.name}={getattr(self, field.name)}" for field in fields(self)[1:])
        return f"scene://{self.layout}?{parameters}"


_WORDS = {"light": LIGHTS, "weather": WEATHERS, "traffic": TRAFFICS}
_LIMITS = {"seed": (0, 2**31), "width": (96, 1920), "height": (54, 1080), "fps": (0.5, 60), "turn_s": (0, 86_400)}


def parse_scene(address: str) -> SceneSpec:
    """Raises SceneError with one sentence for a person."""
    try:
        parts = urlsplit(address.strip())
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError as error:
        raise SceneError(f"This scene address cannot be read: {error}.") from error
    layout = parts.netloc
    if parts.scheme != "scene" or layout not in VIEWS:
        raise SceneError(f'There is no scene "{layout}"; choose one of {", ".join(sorted(VIEWS))}.')
    view = given.pop("view", VIEWS[layout][0])
    if view not in VIEWS[layout]:
        raise SceneError(f'The scene {layout} has no view "{view}"; choose one of {", ".join(VIEWS[layout])}.')
    return SceneSpec(layout=layout, view=view, **{name: _value(name, text) for name, text in given.items()})


def _is_turn(text: str, words: tuple[str, ...]) -> bool:
    return len(parts := text.split(TURN)) == 2 and set(parts) <= set(words)


def _value(name: str, text: str) -> str | int | float:
    if name in _WORDS:
        allowed = (*_WORDS[name], CYCLE)
        if text not in allowed and not _is_turn(text, _WORDS[name]):
            raise SceneError(f'A scene has no {name} "{text}"; choose one of {", ".join(allowed)}.')
        return text
    if name not in _LIMITS:
        known = ", ".join(("view", *_WORDS, *_LIMITS))
        raise SceneError(f'A scene has no parameter "{name}"; the known ones are {known}.')
    low, high = _LIMITS[name]
    try:
        value = float(text) if name == "fps" else int(text)
    except ValueError as error:
        raise SceneError(f'The {name} of a scene is a number, not "{text}".') from error
    if not low <= value <= high:
        raise SceneError(f"The {name} of a scene lies between {low} and {high}, not at {text}.")
    return value
