"""Who the box is, and the folder that it keeps everything in."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.agent.identity import Identity, NotEnrolled, load_identity
from edge_runtime.doctor.findings import Finding, error, ok, warning
from edge_runtime.health.hardware_watch import DISK_FREE_LEAST
from edge_runtime.health.logs import FILE
from edge_runtime.protocol.sizes import format_size

ABOUT = "State folder"
_TROUBLES_SHOWN = 3
_LOG_READ_BYTES = 200_000


def check_identity(state_dir: Path) -> tuple[Identity | None, Finding]:
    try:
        identity = load_identity(state_dir)
    except NotEnrolled as trouble:
        sentence, _, advice = str(trouble).partition("). ")
        closed = f"{sentence})." if advice else sentence
        return None, error("Enrolment", closed, advice or "Enrol this box with a new code from its page.")
    return identity, ok("Enrolment", f'This machine is box "{identity.name}" of {identity.server}.')


def check_state_folder(state_dir: Path) -> Iterator[Finding]:
    if not state_dir.is_dir():
        yield error(ABOUT, f"There is no folder {state_dir}.", "Enrol the box, or name its folder with --state-dir.")
        return
    try:
        with tempfile.TemporaryFile(dir=state_dir) as file:
            file.write(b"x")
            file.flush()
    except OSError as trouble:
        yield error(
            ABOUT,
            f"{state_dir} cannot be written ({trouble.strerror}).",
            "Run doctor as the box's user; if it is the box's user, give the folder to it or make room on the disk.",
        )
        return
    free = shutil.disk_usage(state_dir).free
    if free < DISK_FREE_LEAST:
        advice = "Make room on that disk: the next bundle may not fit."
        yield warning(ABOUT, f"Only {format_size(free)} are free for {state_dir}.", advice)
    else:
        yield ok(ABOUT, f"{state_dir} can be written, {format_size(free)} are free.")
    yield from _check_secrets(state_dir)


def _check_secrets(state_dir: Path) -> Iterator[Finding]:
    """The credential and camera passwords are in these."""
    for name in ("identity.json", "recall.json"):
        path = state_dir / name
        if path.exists() and path.stat().st_mode & 0o077:
            yield warning(ABOUT, f"Others on this machine may read {path}, which holds secrets.", f"chmod 600 {path}")


def check_log(state_dir: Path) -> Iterator[Finding]:
    """The newest things that the box itself complained about."""
    path = state_dir / FILE
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _LOG_READ_BYTES))
            read = file.read().decode(errors="replace").splitlines()
    except OSError:
        yield ok("Log", "The box has not kept a log yet.")
        return
    troubles = [line for line in map(_readable, read) if line.get("level") in ("error", "critical")]
    if not troubles:
        yield ok("Log", f"No errors lately in {path}.")
    for line in troubles[-_TROUBLES_SHOWN:]:
        yield warning("Log", f"{line.get('timestamp')}: {line.get('event')}", f"More around it in {path}.")


def _readable(line: str) -> dict:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
