"""The identity of the demo's boxes on disk: where each finds the server, whose port may differ at every start."""

from pathlib import Path

import msgspec

from demo.processes import box_dir
from edge_runtime.agent.identity import load_identity, save_identity


def point_at(var_dir: Path, name: str, url: str) -> None:
    """Makes the enrolled box talk to `url` from its next start."""
    identity = load_identity(box_dir(var_dir, name))
    if identity.server != url:
        save_identity(box_dir(var_dir, name), msgspec.structs.replace(identity, server=url))
