"""The power may go at any write to the disk while a bundle comes, proves good, or is given up."""

import contextlib
from contextlib import asynccontextmanager

import pytest
import torch

from edge_runtime.agent.bundle_desk import BundleDesk
from edge_runtime.bundles import files
from edge_runtime.bundles.store import BundleStore, manifest_tensors
from edge_runtime.bundles.tensors import blob_bytes, tensor_entry
from edge_runtime.bundles.throttle import Throttle
from edge_runtime.protocol.manifest import Manifest, ModelEntry, SignedManifest, encode_manifest, sha256_hex
from edge_runtime.protocol.signing import private_key_new, public_key_of, sign
from edge_runtime.protocol.target import BundleTarget
from tests.simulators.power import PowerCut, cut_power_after
from tests.simulators.serving import FakeServing

KEY = private_key_new()


class Shelf:
    """A server with bundles of one model each."""

    def __init__(self):
        self.manifests, self.blobs = {}, {}

    def put(self, version, *values):
        tensors = [torch.full((4,), float(value)) for value in values]
        entries = {f"layer{i}.weight": tensor_entry(tensor) for i, tensor in enumerate(tensors)}
        model = ModelEntry("a", "classification", "tiny", ("x", "y"), (8, 8), entries)
        content = encode_manifest(Manifest("box-1", version, (model,), "2026-01-01T00:00:00Z"))
        self.manifests[sha256_hex(content)] = SignedManifest(content.decode(), sign(content, KEY))
        self.blobs |= {tensor_entry(tensor).digest: blob_bytes(tensor) for tensor in tensors}
        return BundleTarget(sha256_hex(content), version)

    async def manifest(self, digest):
        return self.manifests[digest]

    @asynccontextmanager
    async def blob(self, digest, offset):
        async def chunks():
            for start in range(offset, len(self.blobs[digest]), 5):
                yield self.blobs[digest][start : start + 5]

        yield offset, chunks()


SHELF = Shelf()
OLD, NEW = SHELF.put(1, 1, 2), SHELF.put(2, 2, 3, 4)


def desk(root):
    return BundleDesk(
        api=SHELF,
        store=BundleStore(root),
        serving=FakeServing(),
        verify_with=(public_key_of(KEY), "box-1"),
        throttle=Throttle(),
        on_change=lambda: None,
        on_new_key=lambda key: None,
    )


async def install(at, bundle):
    at.wanted = bundle
    await at.fetch(bundle)
    await at.run(bundle.manifest_digest, ())


async def prove_good(at):
    await install(at, NEW)
    await at.confirm()


async def fail(at):
    await install(at, NEW)
    await at.refuse(NEW, "It fails.")
    await at.run(at.fallback, ())


def require_whole(root):
    store = BundleStore(root)
    for digest in filter(None, (store.pointer.current, store.pointer.good)):
        assert all(store.tensor(entry).numel() == 4 for entry in manifest_tensors(store.manifest(digest)).values())
    return store.pointer


@pytest.mark.parametrize(("course", "ends_with"), [(prove_good, NEW), (fail, OLD)])
async def test_a_whole_bundle_runs_after_every_cut_and_the_course_can_be_taken_up(
    tmp_path, monkeypatch, course, ends_with
):
    monkeypatch.setattr(files.os, "fsync", lambda _: None)  # a disk that takes its time proves nothing more
    for steps in range(100):
        root = tmp_path / str(steps)
        at = desk(root)
        await install(at, OLD)
        await at.confirm()
        with monkeypatch.context() as patch:
            remaining = cut_power_after(steps, patch)
            with contextlib.suppress(PowerCut):
                await course(at)
            is_finished = remaining[0] >= 0
        assert require_whole(root).current in (OLD.manifest_digest, NEW.manifest_digest)

        restarted = desk(root)
        await restarted.resume(require_whole(root).current, ())
        assert restarted.running == require_whole(root).current
        restarted.wanted = NEW
        if restarted.refused is None:
            await course(restarted)
        assert require_whole(root).current == restarted.running == ends_with.manifest_digest
        if is_finished:
            break
    assert is_finished
    assert steps > 15
