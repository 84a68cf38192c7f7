"""The bundles on a box's disk: content-addressed blobs, signed manifests, and one pointer to what runs.

    incoming/<digest>         the beginning of a blob, as far as it has arrived
    blobs/<digest>            raw bytes of one tensor
    manifests/<digest>.json   the signed manifest as the server sent it
    current.json              Pointer: what runs, what is known to be good, what is on trial

Order that a power cut relies on: blobs, then the manifest (staging refuses while a blob is missing), then the pointer.
Each is written atomically, so every prefix of the steps leaves the old bundle or the new one, whole.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from edge_runtime.bundles.files import TEMPORARY, disk_problem, settle, write_atomically
from edge_runtime.bundles.pointer import Pointer, Refusal
from edge_runtime.bundles.tensors import map_tensor
from edge_runtime.bundles.verify import verified_manifest
from edge_runtime.protocol.errors import GemelError
from edge_runtime.protocol.manifest import (
    Manifest,
    SignedManifest,
    TensorEntry,
    decode_manifest,
    distinct_tensors,
    sha256_hex,
)

_READ_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BundleError(GemelError):
    code = "bundle"


class BlobCorrupt(BundleError):
    """The bytes do not have the digest they were asked for by: a broken transfer, so worth asking again."""

    code = "blob_corrupt"
    is_retryable = True


class DiskRefused(BundleError):
    """Full, or read-only. Worth another try: people make room."""

    code = "disk"
    is_retryable = True


def checked_digest(digest: str) -> str:
    """`digest`, once it is known to be no path: it names a file. Raises BundleError."""
    if not _DIGEST.fullmatch(digest):
        raise BundleError("A bundle names a blob that is no SHA-256 digest; the box keeps what it runs.")
    return digest


def manifest_tensors(manifest: Manifest) -> dict[str, TensorEntry]:
    """Every tensor that `manifest` needs on disk, the originals' included, by digest."""
    return distinct_tensors(*(m.tensors for m in manifest.models), *(m.original_tensors or {} for m in manifest.models))


class BundleStore:
    """One task of the agent owns it. `take_in` (of different blobs) and `tensor` may be called from any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs"
        self._manifests = root / "manifests"
        self._incoming = root / "incoming"
        self._pointer_path = root / "current.json"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._manifests.mkdir(exist_ok=True)
        self._incoming.mkdir(exist_ok=True)
        self._verified: set[str] = set()
        self.pointer = self._read_pointer()

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """Digests to download. A blob on disk is hashed once per process; a damaged one is removed and named here."""
        return tuple(digest for digest in sorted(manifest_tensors(manifest)) if not self._has_blob(digest))

    def incoming(self, digest: str) -> Path:
        """Where a blob is written while it arrives. What is there stays over a restart, so a download can go on."""
        return self._incoming / checked_digest(digest)

    def take_in(self, digest: str) -> None:
        """The blob has arrived whole. Raises BlobCorrupt unless it has that digest; then it is thrown away."""
        arrived = self.incoming(digest)
        if _file_digest(arrived) != digest:
            arrived.unlink()
            raise BlobCorrupt(f"Blob {digest[:12]} arrived damaged; it was thrown away and will be fetched again.")
        settle(arrived, self._blobs / digest)
        self._verified.add(digest)

    def stage(self, signed: SignedManifest, *, public_key: str, box: str) -> Manifest:
        """Keep `signed` beside the current bundle. Raises when it is not genuine, not ours, older, or not complete."""
        manifest = verified_manifest(signed, public_key=public_key, box=box, minimum_version=self.newest_version)
        if missing := self.missing(manifest):
            raise BundleError(f"{len(missing)} blobs of the bundle are not on disk yet; the box keeps what it runs.")
        digest = sha256_hex(signed.manifest.encode())
        self._write(self._manifests / f"{digest}.json", msgspec.json.encode(signed))
        return manifest

    def count_start(self, digest: str) -> int:
        """Notes that a bundle is about to be started, before it can do harm. How often it was, 0 for a good one."""
        pointer = self.pointer
        if digest == pointer.good:
            return 0
        pointer = pointer.started(digest)
        self._write_pointer(pointer)
        return pointer.starts

    def activate(self, digest: str) -> None:
        """Point at a staged bundle. It is on trial until it is confirmed; the last good one is kept."""
        manifest, pointer = self.manifest(digest), self.pointer
        if pointer.current != digest:
            self._write_pointer(pointer.activated(digest, manifest.version))

    def confirm(self) -> None:
        """What runs has proved good: from now on it is what the box falls back to."""
        self._write_pointer(self.pointer.confirmed())

    def refuse(self, refusal: Refusal) -> None:
        """Never start that bundle again by itself; where it runs, the last good one is what a restart comes back to."""
        self._write_pointer(self.pointer.refusing(refusal))

    def forgive_start(self) -> None:
        """The last start of what is on trial ended in order."""
        if self.pointer.starts:
            self._write_pointer(self.pointer.forgiven())

    @property
    def current(self) -> Manifest | None:
        """The bundle that runs; None before the first, or where its manifest is damaged."""
        return self._readable(self.pointer.current)

    @property
    def newest_version(self) -> int:
        """The highest version that ever ran here, 0 before the first: no older one may follow it."""
        current = self.current  # read from disk: a pointer from before there were trials names no version
        return max(self.pointer.highest_version, current.version if current else 0)

    def manifest(self, digest: str) -> Manifest:
        """A staged manifest. Raises BundleError when it is not on disk or not what its name says."""
        path = self._manifests / f"{checked_digest(digest)}.json"
        try:
            signed = msgspec.json.decode(path.read_bytes(), type=SignedManifest)
        except (OSError, msgspec.DecodeError) as error:
            raise BundleError(f"Manifest {digest[:12]} is not on this box.") from error
        content = signed.manifest.encode()
        if sha256_hex(content) != digest:
            raise BundleError(f"Manifest {digest[:12]} is damaged on disk.")
        return decode_manifest(content)

    def is_staged(self, digest: str) -> bool:
        """Whether this bundle is on disk with every blob it names."""
        manifest = self._readable(digest)
        return manifest is not None and not self.missing(manifest)

    def tensor(self, entry: TensorEntry) -> torch.Tensor:
        """The blob mapped into memory: no copy, and a write never reaches the disk."""
        path = self._blobs / checked_digest(entry.digest)
        if not path.exists():
            raise BundleError(f"Blob {entry.digest[:12]} is not on this box.")
        return map_tensor(entry, path)

    def collect_garbage(self) -> int:
        """Remove manifests that the pointer does not keep, blobs that none of those names, and leftovers.

        Returns the bytes freed. A mapped blob stays readable until its last user lets go of it.
        """
        manifests = {digest: self._readable(digest) for digest in self.pointer.kept}
        kept = {digest for digest, manifest in manifests.items() if manifest}
        blobs = {digest for manifest in manifests.values() if manifest for digest in manifest_tensors(manifest)}
        wanted = {self._manifests / f"{digest}.json" for digest in kept} | {self._blobs / digest for digest in blobs}
        freed = 0
        for path in self._files():
            if path not in wanted:
                freed += path.stat().st_size
                path.unlink()
                self._verified.discard(path.name)
        return freed

    def _readable(self, digest: str) -> Manifest | None:
        try:
            return self.manifest(digest) if digest else None
        except GemelError:
            return None

    def _files(self) -> Iterator[Path]:
        yield from list(self._blobs.iterdir())
        yield from list(self._manifests.iterdir())
        yield from list(self._incoming.iterdir())
        yield from list(self.root.glob(f"*{TEMPORARY}"))

    def _read_pointer(self) -> Pointer:
        """Damage on disk reads as no bundle: a box alone for months must fetch again rather than stop."""
        try:
            return msgspec.json.decode(self._pointer_path.read_bytes(), type=Pointer)
        except (OSError, msgspec.DecodeError):
            return Pointer()

    def _write_pointer(self, pointer: Pointer) -> None:
        self._write(self._pointer_path, msgspec.json.encode(pointer))
        self.pointer = pointer

    def _write(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
        except OSError as error:
            raise DiskRefused(disk_problem(self.root, error)) from error

    def _has_blob(self, digest: str) -> bool:
        if digest in self._verified:
            return True
        path = self._blobs / checked_digest(digest)
        if not path.exists():
            return False
        if _file_digest(path) != digest:
            path.unlink()
            return False
        self._verified.add(digest)
        return True


def _file_digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
