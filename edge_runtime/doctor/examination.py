"""Everything that the doctor looks at, in the order in which one thing needs the other."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.agent.recall import load_recall
from edge_runtime.app import chosen_device, measured_folder
from edge_runtime.doctor.bundle import check_bundle
from edge_runtime.doctor.cameras import check_cameras
from edge_runtime.doctor.device import check_decoding, check_device, check_threads
from edge_runtime.doctor.findings import Finding, ok, warning
from edge_runtime.doctor.server import check_server
from edge_runtime.doctor.state_folder import check_identity, check_log, check_state_folder
from edge_runtime.health.accelerators import Accelerators
from edge_runtime.protocol.manifest import Manifest
from edge_runtime.serving.profiling import bundle_digest


@dataclass(frozen=True)
class Asked:
    """`device`, `threads` and `media_root` as the box is run with."""

    state_dir: Path
    device: str = "auto"
    threads: int = 1
    media_root: Path | None = None
    with_cameras: bool = True


def examine(asked: Asked) -> Iterator[Finding]:
    identity, enrolled = check_identity(asked.state_dir)
    yield enrolled
    yield from check_state_folder(asked.state_dir)
    manifest: Manifest | None = None
    if identity is not None:
        yield from check_server(identity)
        manifest, bundle = check_bundle(asked.state_dir, identity)
        yield bundle
    yield from check_device(asked.device, Accelerators())
    yield check_threads(asked.threads, os.environ)
    yield from check_decoding()
    if manifest is not None:
        yield _check_profiles(asked, manifest)
    if identity is not None and asked.with_cameras:
        target = load_recall(asked.state_dir).target
        yield from check_cameras(target.cameras if target else (), media_root=asked.media_root)
    yield from check_log(asked.state_dir)


def _check_profiles(asked: Asked, manifest: Manifest) -> Finding:
    folder = measured_folder(asked.state_dir, chosen_device(asked.device), asked.threads)
    if folder.load(bundle_digest(manifest)) is None:
        return warning(
            "Profiles",
            f"Bundle version {manifest.version} was not measured on this machine with these settings.",
            "Run gemel-edge profile while the box is stopped: it then starts with figures instead of guesses.",
        )
    return ok("Profiles", f"Bundle version {manifest.version} was measured on this machine.")
