"""What a box remembers over a restart, so that it works again at once, with the server away."""

from pathlib import Path

import msgspec

from edge_runtime.bundles.files import write_atomically
from edge_runtime.protocol.target import QueryTarget, TargetState

_FILE = "recall.json"


class Recall(msgspec.Struct, frozen=True):
    """The last target state, and what really ran: digest and queries. Camera addresses hold passwords."""

    target: TargetState | None = None
    running: str = ""
    queries: tuple[QueryTarget, ...] = ()


def save_recall(state_dir: Path, recall: Recall) -> None:
    write_atomically(state_dir / _FILE, msgspec.json.encode(recall), mode=0o600)


def load_recall(state_dir: Path) -> Recall:
    """An empty one when there is none or it is damaged: the server says it all again."""
    try:
        return msgspec.json.decode((state_dir / _FILE).read_bytes(), type=Recall)
    except (OSError, msgspec.DecodeError):
        return Recall()
