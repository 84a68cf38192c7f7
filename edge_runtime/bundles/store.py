"""The bundles on a box's disk: content-addressed blobs, signed manifests, and one pointer to what runs.

    blobs/<digest>            raw bytes of one tensor
    manifests/<digest>.json   the signed manifest as the server sent it
    current.json              {"current": digest, "previous": digest}

Order that a power cut relies on: blobs, then the manifest (staging refuses while a blob is missing), then the pointer.
Each is written atomically, so every prefix of the steps leaves the old bundle or the new one, whole.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import torch

from edge_runtime.bundles.files import TEMPORARY, write_atomically
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


class Pointer(msgspec.Struct, frozen=True):
    """Digests of the bundle that runs and of the one before it; "" for none."""

    current: str = ""
    previous: str = ""


def checked_digest(digest: str) -> str:
    """`digest`, once it is known to be no path: it names a file. Raises BundleError."""
    if not _DIGEST.fullmatch(digest):
        raise BundleError("A bundle names a blob that is no SHA-256 digest; the box keeps what it runs.")
    return digest


def manifest_tensors(manifest: Manifest) -> dict[str, TensorEntry]:
    """Every tensor that `manifest` needs on disk, the originals' included, by digest."""
    return distinct_tensors(*(m.tensors for m in manifest.models), *(m.original_tensors or {} for m in manifest.models))


class BundleStore:
    """One task of the agent owns it. `add_blob` (of different blobs) and `tensor` may be called from any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._blobs = root / "blobs"
        self._manifests = root / "manifests"
        self._pointer_path = root / "current.json"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._manifests.mkdir(exist_ok=True)
        self._verified: set[str] = set()

    def missing(self, manifest: Manifest) -> tuple[str, ...]:
        """Digests to download. A blob on disk is hashed once per process; a damaged one is removed and named here."""
        return tuple(digest for digest in sorted(manifest_tensors(manifest)) if not self._has_blob(digest))

    def add_blob(self, digest: str, content: bytes) -> None:
        """Raises BlobCorrupt unless `content` has that digest; then nothing is written."""
        if sha256_hex(content) != digest:
            raise BlobCorrupt(f"Blob {digest[:12]} arrived damaged; it was thrown away and will be fetched again.")
        if not self._has_blob(digest):
            write_atomically(self._blobs / digest, content)
            self._verified.add(digest)

    def stage(self, signed: SignedManifest, *, public_key: str, box: str) -> Manifest:
        """Keep `signed` beside the current bundle. Raises when it is not genuine, not ours, older, or not complete."""
        manifest = verified_manifest(signed, public_key=public_key, box=box, minimum_version=self.current_version)
        if missing := self.missing(manifest):
            raise BundleError(f"{len(missing)} blobs of the bundle are not on disk yet; the box keeps what it runs.")
        digest = sha256_hex(signed.manifest.encode())
        write_atomically(self._manifests / f"{digest}.json", msgspec.json.encode(signed))
        return manifest

    def activate(self, digest: str) -> None:
        """Point at a staged bundle. The one that ran until now is kept as previous."""
        self.manifest(digest)
        pointer = self.pointer
        if pointer.current == digest:
            return
        self._write_pointer(Pointer(current=digest, previous=pointer.current))

    def roll_back(self) -> str:
        """Point at the previous bundle again and return its digest. Raises BundleError when none is kept."""
        pointer = self.pointer
        if not pointer.previous:
            raise BundleError("No previous bundle is kept on this box.")
        self.manifest(pointer.previous)
        self._write_pointer(Pointer(current=pointer.previous, previous=pointer.current))
        return pointer.previous

    @property
    def pointer(self) -> Pointer:
        """Damage on disk reads as no bundle: a box alone for months must fetch again rather than stop."""
        try:
            return msgspec.json.decode(self._pointer_path.read_bytes(), type=Pointer)
        except (OSError, msgspec.DecodeError):
            return Pointer()

    @property
    def current(self) -> Manifest | None:
        """The bundle that runs; None before the first, or where its manifest is damaged."""
        return self._readable(self.pointer.current)

    @property
    def current_version(self) -> int:
        """Version of the bundle that runs, 0 without one: no older one may follow it."""
        return self.current.version if self.current else 0

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
        """Remove manifests other than current and previous, blobs that neither names, and leftovers of a power cut.

        Returns the bytes freed. A mapped blob stays readable until its last user lets go of it.
        """
        pointer = self.pointer
        manifests = {digest: self._readable(digest) for digest in (pointer.current, pointer.previous)}
        kept = {digest for digest, manifest in manifests.items() if manifest}
        blobs = {digest for manifest in manifests.values() if manifest for digest in manifest_tensors(manifest)}
        freed = 0
        for path in self._files():
            is_kept = path.stem in kept if path.parent == self._manifests else path.name in blobs
            if not is_kept or path.suffix == TEMPORARY:
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
        yield from list(self.root.glob(f"*{TEMPORARY}"))

    def _write_pointer(self, pointer: Pointer) -> None:
        write_atomically(self._pointer_path, msgspec.json.encode(pointer))

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
