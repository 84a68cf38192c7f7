"""Getting a bundle from a server into the store: the manifest first, then only the blobs that are missing.

The manifest is verified before a single blob is asked for. A cut at any moment keeps the blobs that arrived.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from edge_runtime.bundles.store import BundleError, BundleStore
from edge_runtime.bundles.verify import verified_manifest
from edge_runtime.protocol.manifest import Manifest, SignedManifest, sha256_hex

_AT_A_TIME = 4


class BundleSource(Protocol):
    async def manifest(self, digest: str) -> SignedManifest: ...

    async def blob(self, digest: str) -> bytes: ...


async def fetch_bundle(
    digest: str,
    *,
    api: BundleSource,
    store: BundleStore,
    public_key: str,
    box: str,
    on_progress: Callable[[int, int, int], None],
) -> Manifest:
    """Fetch, verify and stage bundle `digest`. `on_progress(blobs done, blobs in all, bytes of this one)`.

    Raises GemelError; what runs is not touched.
    """
    signed = await api.manifest(digest)
    if sha256_hex(signed.manifest.encode()) != digest:
        raise BundleError("The server sent another manifest than the one it names as target; the box keeps what runs.")
    manifest = verified_manifest(signed, public_key=public_key, box=box, minimum_version=store.current_version)
    missing = await asyncio.to_thread(store.missing, manifest)
    await _fetch_blobs(missing, api, store, on_progress)
    return await asyncio.to_thread(lambda: store.stage(signed, public_key=public_key, box=box))


async def _fetch_blobs(
    digests: tuple[str, ...], api: BundleSource, store: BundleStore, on_progress: Callable[[int, int, int], None]
) -> None:
    waiting = list(reversed(digests))
    done = 0

    async def worker() -> None:
        nonlocal done
        while waiting:
            digest = waiting.pop()
            content = await api.blob(digest)
            await asyncio.to_thread(store.add_blob, digest, content)
            done += 1
            on_progress(done, len(digests), len(content))

    workers = [asyncio.create_task(worker()) for _ in range(min(_AT_A_TIME, len(digests)))]
    try:
        await asyncio.gather(*workers)
    finally:
        for task in workers:
            task.cancel()
