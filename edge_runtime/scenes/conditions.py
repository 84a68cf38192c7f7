"""Light, weather and amount of traffic over time, and the words for them.

A condition that cycles rests on each word for most of its share of the period and moves smoothly in between, so that a
demo shows variety and few frames lie between two words.
"""

from dataclasses import dataclass

from edge_runtime.scenes.chance import chance

LIGHTS = ("day", "dusk", "night")
WEATHERS = ("clear", "rain", "fog")
TRAFFICS = ("quiet", "moderate", "heavy")
TURN = "-"  # between two words: the second follows the first
TURNING_S = 10.0
CROSSINGS = ("crossing_free", "crossing_occupied")

_PERIOD_S = {"light": 96.0, "weather": 78.0, "traffic": 108.0}
_ORDERS = {
    "light": ("day", "dusk", "night", "dusk"),
    "weather": ("clear", "rain", "clear", "fog"),
    "traffic": ("quiet", "moderate", "heavy", "moderate"),
}
# Traffic turns at once: vehicles carry the change through the picture anyway.
_MOVING_SHARE = {"light": 0.22, "weather": 0.22, "traffic": 0.05}
_OCCUPANCY = {"quiet": 0.035, "moderate": 0.25, "heavy": 0.72}


@dataclass(frozen=True)
class Conditions:
    """`light`: 0 day, 1 dusk, 2 night and between. `rain`, `fog`: 0..1, at most one of them above 0."""

    light: float
    rain: float
    fog: float

    @property
    def light_word(self) -> str:
        return LIGHTS[round(self.light)]

    @property
    def weather_word(self) -> str:
        if self.rain >= 0.5:
            return "rain"
        return "fog" if self.fog >= 0.5 else "clear"


@dataclass(frozen=True)
class ConditionPlan:
    """What holds at each second of a scene; each is a word, "cycle", or two words, of which the second holds from
    `turn_s` on (and fully TURNING_S later)."""

    light: str
    weather: str
    traffic: str
    seed: int
    turn_s: float = 60.0

    def at(self, time_s: float) -> Conditions:
        """Steps of 1/24 between words: the scenery is cached per step."""
        light = self._level("light", self.light, time_s, {word: float(i) for i, word in enumerate(LIGHTS)})
        rain = self._level("weather", self.weather, time_s, {"clear": 0.0, "rain": 1.0, "fog": 0.0})
        fog = self._level("weather", self.weather, time_s, {"clear": 0.0, "rain": 0.0, "fog": 1.0})
        return Conditions(*(round(level * 24) / 24 for level in (light, rain, fog)))

    def occupancy(self, time_s: float) -> float:
        """Share of the places in a lane that hold a vehicle, for vehicles that enter at `time_s`."""
        return self._level("traffic", self.traffic, time_s, _OCCUPANCY)

    def _level(self, name: str, word: str, time_s: float, levels: dict[str, float]) -> float:
        if TURN in word:
            before, after = (levels[part] for part in word.split(TURN))
            return before + (after - before) * _eased((time_s - self.turn_s) / TURNING_S)
        if word != "cycle":
            return levels[word]
        order = _ORDERS[name]
        phase = (time_s / _PERIOD_S[name] + chance(self.seed, len(name), 77)) % 1.0 * len(order)
        index = int(phase)
        moved = max(0.0, 1 - (index + 1 - phase) / _MOVING_SHARE[name])
        start, end = levels[order[index]], levels[order[(index + 1) % len(order)]]
        return start + (end - start) * _eased(moved)


def _eased(moved: float) -> float:
    """0 up to 0, 1 from 1 on, smooth between."""
    moved = min(max(moved, 0.0), 1.0)
    return moved * moved * (3 - 2 * moved)
