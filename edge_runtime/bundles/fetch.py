"""Getting a bundle from a server into the store: the manifest first, then only the blobs that are missing.

The manifest is verified before a single blob is asked for. A cut at any moment keeps the bytes that arrived: the next
try asks for the rest.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from edge_runtime.bundles.files import disk_problem
from edge_runtime.bundles.store import BlobCorrupt, BundleError, BundleStore, DiskRefused, manifest_tensors
from edge_runtime.bundles.throttle import Throttle
from edge_runtime.bundles.verify import verified_manifest
from edge_runtime.protocol.manifest import Manifest, SignedManifest, TensorEntry, sha256_hex

_AT_A_TIME = 4
OnProgress = Callable[[int, int, int], None]


class Interrupted(BundleError):
    """The transfer ended before the blob did."""

    code = "interrupted"
    is_retryable = True


class BundleSource(Protocol):
    async def manifest(self, digest: str) -> SignedManifest: ...

    def blob(self, digest: str, offset: int) -> AbstractAsyncContextManager[tuple[int, AsyncIterator[bytes]]]:
        """Where the bytes begin that come (`offset`, or 0 from a server that cannot do that), and those bytes."""


async def fetch_bundle(
    digest: str,
    *,
    api: BundleSource,
    store: BundleStore,
    verify_with: tuple[str, str],
    throttle: Throttle,
    on_progress: OnProgress,
) -> Manifest:
    """Fetch, verify and stage bundle `digest`. `on_progress(bytes on disk, bytes in all, bytes that arrived just now)`.

    `verify_with`: (the server's public key, this box's id). Raises GemelError; what runs is not touched.
    """
    public_key, box = verify_with
    signed = await api.manifest(digest)
    if sha256_hex(signed.manifest.encode()) != digest:
        raise BundleError("The server sent another manifest than the one it names as target; the box keeps what runs.")
    manifest = verified_manifest(signed, public_key=public_key, box=box, minimum_version=store.newest_version)
    entries = manifest_tensors(manifest)
    missing = [entries[name] for name in await asyncio.to_thread(store.missing, manifest)]
    await _Download(missing, api, store, throttle, on_progress).run()
    return await asyncio.to_thread(lambda: store.stage(signed, public_key=public_key, box=box))


class _Download:
    def __init__(
        self,
        missing: list[TensorEntry],
        api: BundleSource,
        store: BundleStore,
        throttle: Throttle,
        on_progress: OnProgress,
    ) -> None:
        self._api, self._store, self._throttle, self._on_progress = api, store, throttle, on_progress
        self._waiting = missing[::-1]
        self._total = sum(entry.size_bytes for entry in missing)
        self._on_disk = 0

    async def run(self) -> None:
        workers = [asyncio.create_task(self._work()) for _ in range(min(_AT_A_TIME, len(self._waiting)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for task in workers:
                task.cancel()
            await asyncio.gather(*workers, return_exceptions=True)  # files are closed before anybody goes on

    async def _work(self) -> None:
        while self._waiting:
            entry = self._waiting.pop()
            try:
                await self._get(entry)
                await _to_its_end(self._store.take_in, entry.digest)
            except OSError as error:
                raise DiskRefused(disk_problem(self._store.root, error)) from error

    async def _get(self, entry: TensorEntry) -> None:
        path = self._store.incoming(entry.digest)
        with path.open("ab") as file:
            offset = file.tell()
            if offset > entry.size_bytes:
                offset = file.truncate(0)
            self._on_disk += offset
            if offset == entry.size_bytes:
                return
            async with self._api.blob(entry.digest, offset) as (start, chunks):
                if start != offset:
                    self._on_disk -= offset
                    offset = file.truncate(0)
                async for chunk in chunks:
                    offset += len(chunk)
                    self._require_within(offset, entry)
                    file.write(chunk)
                    self._on_disk += len(chunk)
                    self._on_progress(self._on_disk, self._total, len(chunk))
                    await self._throttle.passed(len(chunk))
            if offset < entry.size_bytes:
                raise Interrupted(f"Blob {entry.digest[:12]} ended early; what arrived is kept.")

    def _require_within(self, size_bytes: int, entry: TensorEntry) -> None:
        """A server that never ends must not fill the disk."""
        if size_bytes > entry.size_bytes:
            self._store.incoming(entry.digest).unlink(missing_ok=True)
            raise BlobCorrupt(
                f"Blob {entry.digest[:12]} is longer than its manifest says; it was thrown away and is fetched again."
            )


async def _to_its_end(function: Callable[[str], None], digest: str) -> None:
    """In a thread, waited for although the task is cancelled: two must never work on one file."""
    work = asyncio.ensure_future(asyncio.to_thread(function, digest))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.gather(work, return_exceptions=True)
        raise
