"""Chance that depends only on its keys, so that any frame can be drawn without those before it."""

_MASK = (1 << 64) - 1


def chance(*keys: int) -> float:
    """A number in [0, 1) that is the same for equal keys on every machine (splitmix64 over the keys)."""
    state = 0x9E3779B97F4A7C15
    for key in keys:
        state = (state ^ (key & _MASK)) & _MASK
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state / 2**64


def pick(weights: tuple[tuple[str, float], ...], *keys: int) -> str:
    """One of the weighted words."""
    mark = chance(*keys) * sum(weight for _, weight in weights)
    for word, weight in weights:
        mark -= weight
        if mark < 0:
            return word
    return weights[-1][0]
