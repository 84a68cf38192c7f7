"""Whether the bundle on disk is whole and the server's own: signature, every tensor's hash, and measured profiles."""

import hashlib
from pathlib import Path

import msgspec

from edge_runtime.agent.identity import Identity
from edge_runtime.bundles.store import Pointer, manifest_tensors
from edge_runtime.bundles.verify import verified_manifest
from edge_runtime.doctor.findings import Finding, error, ok, warning
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import Manifest, SignedManifest, sha256_hex
from edge_runtime.protocol.sizes import format_size

ABOUT = "Bundle"
_AGAIN = "Start the box again with the server in reach: it fetches what is missing or damaged."


def check_bundle(state_dir: Path, identity: Identity) -> tuple[Manifest | None, Finding]:
    """Reads only: the store itself would remove what is damaged, and the box may be running."""
    folder = state_dir / "bundles"
    try:
        pointer = msgspec.json.decode((folder / "current.json").read_bytes(), type=Pointer)
    except FileNotFoundError:
        advice = "Give its cameras queries on the server, and start the box; then look again."
        return None, warning(ABOUT, "This box has not run a bundle yet.", advice)
    except (OSError, msgspec.DecodeError) as trouble:
        return None, error(ABOUT, f"Which bundle runs cannot be read ({trouble}).", _AGAIN)
    try:
        manifest = _manifest(folder, pointer.current, identity)
    except (GemelError, OSError, msgspec.DecodeError) as trouble:
        return None, error(ABOUT, f"The manifest of the bundle is not usable: {trouble}", _AGAIN)
    tensors = manifest_tensors(manifest)
    damaged = [digest for digest in tensors if not _is_whole(folder / "blobs" / digest, digest)]
    if damaged:
        found = f"{len(damaged)} of {len(tensors)} tensors of bundle version {manifest.version} are missing or damaged."
        return manifest, error(ABOUT, found, _AGAIN)
    size = format_size(sum(entry.size_bytes for entry in tensors.values()))
    found = f"Version {manifest.version} is whole and signed by the server: {len(tensors)} tensors, {size}."
    return manifest, ok(ABOUT, found)


def _manifest(folder: Path, digest: str, identity: Identity) -> Manifest:
    content = (folder / "manifests" / f"{digest}.json").read_bytes()
    signed = msgspec.json.decode(content, type=SignedManifest)
    if sha256_hex(signed.manifest.encode()) != digest:
        raise GemelError("It is damaged on disk.")
    return verified_manifest(signed, public_key=identity.server_public_key, box=identity.box, minimum_version=0)


def _is_whole(path: Path, digest: str) -> bool:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == digest
    except OSError:
        return False
