"""Names of Channels groups. Browsers join the groups of what they look at; a box has one group of its own."""

from uuid import UUID


def box_commands(box_id: UUID | str) -> str:
    """What the server tells a box."""
    return f"box-commands.{box_id}"


def box_live(box_id: UUID | str) -> str:
    """Statistics and state of a box, for browsers."""
    return f"box-live.{box_id}"


def box_log(box_id: UUID | str) -> str:
    """Lines of a box's log, for browsers."""
    return f"box-log.{box_id}"


def camera_live(camera_id: UUID | str) -> str:
    """Annotated preview frames of a camera, for browsers."""
    return f"camera-live.{camera_id}"


def camera_plain(camera_id: UUID | str) -> str:
    """Preview frames of a camera on which nothing is drawn, with what was found beside them, for browsers."""
    return f"camera-plain.{camera_id}"


def person_live(person_id: UUID | str) -> str:
    """The open pages of a person, to look again at what they may see."""
    return f"person-live.{person_id}"


def merge_run_live(run_id: UUID | str) -> str:
    """Progress of a merge run, for browsers."""
    return f"merge-run-live.{run_id}"


def site_live(site_id: UUID | str) -> str:
    """Changes anywhere in a site that lists show: box connected, job finished, decision taken."""
    return f"site-live.{site_id}"


def rollout_live(rollout_id: UUID | str) -> str:
    """How a rollout goes on, for browsers."""
    return f"rollout-live.{rollout_id}"
