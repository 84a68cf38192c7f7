"""The identity of a box that runs. What changes in it is on disk before anybody uses it: a box must not lose itself."""

from pathlib import Path
from typing import Any

import msgspec

from edge_runtime.agent.identity import Identity, save_identity


class OwnIdentity:
    def __init__(self, state_dir: Path, identity: Identity) -> None:
        self._state_dir = state_dir
        self.current = identity

    def change(self, **changes: Any) -> None:
        changed = msgspec.structs.replace(self.current, **changes)
        save_identity(self._state_dir, changed)
        self.current = changed
