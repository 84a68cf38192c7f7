"""Who this box is: what enrolment gave it, kept in one file that only its user may read."""

from pathlib import Path

import msgspec
import platformdirs

from edge_runtime.bundles.files import write_atomically
from edge_runtime.protocol.errors import GemelError

_FILE = "identity.json"


class NotEnrolled(GemelError):
    code = "not_enrolled"


class StateFolderError(GemelError):
    code = "state_folder"


class Identity(msgspec.Struct, frozen=True):
    """`credential` is a secret: it is sent to `server` only and never logged."""

    server: str
    box: str
    name: str
    credential: str
    server_public_key: str


def default_state_dir() -> Path:
    return Path(platformdirs.user_state_dir("gemel-edge", appauthor=False))


def prepare_state_dir(state_dir: Path) -> None:
    """Make the folder, for its user alone. Raises StateFolderError where that is not possible."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = state_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise StateFolderError(
            f"The folder {state_dir} cannot be written ({error.strerror}). Choose another with --state-dir."
        ) from error


def save_identity(state_dir: Path, identity: Identity) -> None:
    write_atomically(state_dir / _FILE, msgspec.json.encode(identity), mode=0o600)


def load_identity(state_dir: Path) -> Identity:
    """Raises NotEnrolled with what to do."""
    try:
        return msgspec.json.decode((state_dir / _FILE).read_bytes(), type=Identity)
    except OSError as error:
        raise NotEnrolled(
            f"This box is not enrolled yet (no identity in {state_dir}). Run: gemel-edge enrol --server URL --code CODE"
        ) from error
    except msgspec.DecodeError as error:
        raise NotEnrolled(f"The identity in {state_dir} is damaged. Enrol this box again with a new code.") from error
