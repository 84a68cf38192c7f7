"""Whether a frame of a data set may be shown. Pure: no database."""

from edge_runtime.protocol.target import Privacy


def may_show_picture(shows: str, allowed: str) -> bool:
    """`shows`: what of the camera the frame shows, FULL where nobody blurred it. `allowed`: the privacy it has now."""
    return allowed == Privacy.FULL or (allowed == Privacy.BLURRED and shows == Privacy.BLURRED)
