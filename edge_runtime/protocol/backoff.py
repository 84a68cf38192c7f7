"""How long to wait before trying again: the one rule for cameras and for the connection to the server."""

FIRST_S = 0.5


def reconnect_delay_s(attempt: int, jitter: float, *, cap_s: float = 30.0) -> float:
    """Seconds to wait after failure number `attempt` (from 0): doubling up to `cap_s`, then spread over half to all.

    `jitter` is a random number in 0..1, given by the caller; it keeps a fleet from coming back at the same moment.
    """
    ceiling = min(cap_s, FIRST_S * 2 ** min(attempt, 30))
    return ceiling * (0.5 + 0.5 * jitter)
