"""The store of bundles: what it accepts, what it keeps, and that a power cut at any step leaves one whole bundle."""

import contextlib

import msgspec
import pytest
import torch

from edge_runtime.bundles import files
from edge_runtime.bundles.pointer import Refusal
from edge_runtime.bundles.store import BlobCorrupt, BundleError, BundleStore, manifest_tensors
from edge_runtime.bundles.tensors import blob_bytes, tensor_entry
from edge_runtime.bundles.verify import BundleRefused
from edge_runtime.protocol.errors import ProtocolError
from edge_runtime.protocol.manifest import Manifest, ModelEntry, SignedManifest, encode_manifest, sha256_hex
from edge_runtime.protocol.signing import SignatureError, private_key_new, public_key_of, sign
from tests.simulators.power import PowerCut, cut_power_after

KEY = private_key_new()
PUBLIC = public_key_of(KEY)


def signed_bundle(version, values, *, box="box-1"):
    """(signed manifest, blobs by digest) of one model with one tensor per value; equal values share a blob."""
    tensors = {f"layer{i}.weight": torch.full((4,), float(value)) for i, value in enumerate(values)}
    model = ModelEntry(
        slot="a",
        task="classification",
        architecture="tiny",
        classes=("x", "y"),
        input_size=(8, 8),
        tensors={name: tensor_entry(tensor) for name, tensor in tensors.items()},
    )
    content = encode_manifest(Manifest(box=box, version=version, models=(model,), created_at="2026-01-01T00:00:00Z"))
    signed = SignedManifest(manifest=content.decode(), signature=sign(content, KEY))
    return signed, {tensor_entry(tensor).digest: blob_bytes(tensor) for tensor in tensors.values()}


def digest_of(signed):
    return sha256_hex(signed.manifest.encode())


def put(store, digest, content):
    store.incoming(digest).write_bytes(content)
    store.take_in(digest)


def install(store, signed, blobs):
    for digest, content in blobs.items():
        put(store, digest, content)
    store.stage(signed, public_key=PUBLIC, box="box-1")
    store.activate(digest_of(signed))


def is_whole(store):
    """The current bundle's manifest reads and every tensor it names is there."""
    manifest = store.manifest(store.pointer.current)
    return all(store.tensor(entry).numel() == 4 for entry in manifest_tensors(manifest).values())


def test_an_update_needs_only_the_blobs_that_changed(tmp_path):
    store = BundleStore(tmp_path)
    install(store, *signed_bundle(1, [1, 2]))
    signed, blobs = signed_bundle(2, [1, 3])
    new = {tensor_entry(torch.full((4,), 3.0)).digest}
    manifest = msgspec.json.decode(signed.manifest, type=Manifest)
    assert set(store.missing(manifest)) == new
    assert new < set(blobs)


def test_tensor_has_the_values_that_were_sent(tmp_path):
    store = BundleStore(tmp_path)
    install(store, *signed_bundle(1, [5]))
    (model,) = store.current.models
    assert torch.equal(store.tensor(model.tensors["layer0.weight"]), torch.full((4,), 5.0))


def test_a_damaged_transfer_is_thrown_away_and_worth_another_try(tmp_path):
    store = BundleStore(tmp_path)
    with pytest.raises(BlobCorrupt) as caught:
        put(store, sha256_hex(b"right"), b"wrong")
    assert caught.value.is_retryable
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_blob_damaged_on_disk_is_asked_for_again(tmp_path):
    signed, blobs = signed_bundle(1, [1])
    install(BundleStore(tmp_path), signed, blobs)
    (digest,) = blobs
    (tmp_path / "blobs" / digest).write_bytes(b"x" * 16)
    restarted = BundleStore(tmp_path)
    assert restarted.missing(restarted.current) == (digest,)


def test_refuses_to_stage_while_a_blob_is_missing(tmp_path):
    signed, _ = signed_bundle(1, [1])
    with pytest.raises(BundleError, match="1 blobs"):
        BundleStore(tmp_path).stage(signed, public_key=PUBLIC, box="box-1")


def test_refuses_a_manifest_that_another_key_signed(tmp_path):
    signed, _ = signed_bundle(1, [1])
    forged = SignedManifest(signed.manifest, sign(signed.manifest.encode(), private_key_new()))
    with pytest.raises(SignatureError):
        BundleStore(tmp_path).stage(forged, public_key=PUBLIC, box="box-1")


def test_refuses_another_boxs_bundle_and_an_older_version(tmp_path):
    store = BundleStore(tmp_path)
    with pytest.raises(BundleRefused, match="another box"):
        store.stage(signed_bundle(1, [1], box="box-2")[0], public_key=PUBLIC, box="box-1")
    install(store, *signed_bundle(5, [1]))
    with pytest.raises(BundleRefused, match="older than version 5"):
        store.stage(signed_bundle(4, [1])[0], public_key=PUBLIC, box="box-1")


def test_refuses_a_manifest_that_is_no_manifest(tmp_path):
    signed = SignedManifest(manifest="[]", signature=sign(b"[]", KEY))
    with pytest.raises(ProtocolError):
        BundleStore(tmp_path).stage(signed, public_key=PUBLIC, box="box-1")


@pytest.mark.parametrize("digest", ["../../etc/passwd", "A" * 64, ""])
def test_a_name_that_is_no_digest_never_becomes_a_path(tmp_path, digest):
    store = BundleStore(tmp_path)
    entry = tensor_entry(torch.zeros(4))
    with pytest.raises(BundleError):
        store.tensor(msgspec.structs.replace(entry, digest=digest))
    with pytest.raises(BundleError):
        store.manifest(digest)


def refusal(signed, attempt=0):
    return Refusal(digest_of(signed), attempt, "It fails.")


def test_a_refused_bundle_gives_way_to_the_last_good_one(tmp_path):
    store = BundleStore(tmp_path)
    first, second = signed_bundle(1, [1]), signed_bundle(2, [2])
    install(store, *first)
    store.confirm()
    store.count_start(digest_of(second[0]))
    install(store, *second)
    store.refuse(refusal(second[0]))
    assert store.pointer.current == digest_of(first[0])
    assert is_whole(BundleStore(tmp_path))
    assert BundleStore(tmp_path).pointer.refused == refusal(second[0])


def test_the_last_good_bundle_survives_any_number_that_never_proved_good(tmp_path):
    store = BundleStore(tmp_path)
    good = signed_bundle(1, [1])
    install(store, *good)
    store.confirm()
    for version in (2, 3, 4):
        install(store, *signed_bundle(version, [version]))
        store.collect_garbage()
    store.refuse(refusal(signed_bundle(4, [4])[0]))
    assert store.pointer.current == digest_of(good[0])
    assert is_whole(store)


def test_an_older_bundle_is_refused_even_after_going_back(tmp_path):
    store = BundleStore(tmp_path)
    install(store, *signed_bundle(1, [1]))
    store.confirm()
    install(store, *signed_bundle(5, [5]))
    store.refuse(refusal(signed_bundle(5, [5])[0]))
    assert store.current.version == 1
    with pytest.raises(BundleRefused, match="older than version 5"):
        store.stage(signed_bundle(4, [1])[0], public_key=PUBLIC, box="box-1")


def test_starts_are_counted_over_restarts_until_the_bundle_is_good(tmp_path):
    signed, blobs = signed_bundle(1, [1])
    counted = [BundleStore(tmp_path).count_start(digest_of(signed)) for _ in range(2)]
    store = BundleStore(tmp_path)
    store.forgive_start()
    assert (*counted, store.count_start(digest_of(signed))) == (1, 2, 2)
    install(store, signed, blobs)
    store.confirm()
    assert BundleStore(tmp_path).count_start(digest_of(signed)) == 0


def test_a_pointer_from_before_there_were_trials_names_a_good_bundle(tmp_path):
    signed, blobs = signed_bundle(1, [1])
    install(BundleStore(tmp_path), signed, blobs)
    (tmp_path / "current.json").write_text(f'{{"current": "{digest_of(signed)}", "previous": ""}}')
    assert BundleStore(tmp_path).pointer.good == digest_of(signed)


def test_garbage_is_what_neither_current_nor_previous_names(tmp_path):
    store = BundleStore(tmp_path)
    bundles = [signed_bundle(version, [version, 9]) for version in (1, 2, 3)]
    for bundle in bundles:
        install(store, *bundle)
        store.confirm()
    assert store.collect_garbage() > 0
    wanted = set(bundles[1][1]) | set(bundles[2][1])
    assert {path.name for path in (tmp_path / "blobs").iterdir()} == wanted
    assert {path.stem for path in (tmp_path / "manifests").iterdir()} == {digest_of(b[0]) for b in bundles[1:]}
    assert is_whole(store)


def test_damage_to_the_pointer_reads_as_no_bundle(tmp_path):
    store = BundleStore(tmp_path)
    install(store, *signed_bundle(1, [1]))
    (tmp_path / "current.json").write_bytes(b"\0\0")
    store = BundleStore(tmp_path)
    assert store.current is None
    install(store, *signed_bundle(1, [1]))
    assert is_whole(store)


def test_a_power_cut_at_any_step_leaves_the_old_bundle_or_the_new_one(tmp_path, monkeypatch):
    """Walks every call to the system that changes the disk and cuts the power before it, then starts again."""
    old, new = signed_bundle(1, [1, 2]), signed_bundle(2, [2, 3])
    seen = set()
    monkeypatch.setattr(files.os, "fsync", lambda _: None)  # a disk that takes its time proves nothing more
    for steps in range(100):
        root = tmp_path / str(steps)
        install(BundleStore(root), *old)
        BundleStore(root).confirm()
        with monkeypatch.context() as patch:
            remaining = cut_power_after(steps, patch)
            with contextlib.suppress(PowerCut):
                store = BundleStore(root)
                store.count_start(digest_of(new[0]))
                install(store, *new)
                store.confirm()
                store.collect_garbage()
            is_finished = remaining[0] > 0
        restarted = BundleStore(root)
        assert is_whole(restarted)
        assert restarted.manifest(restarted.pointer.good)
        seen.add(restarted.pointer.current)
        install(restarted, *new)
        restarted.collect_garbage()
        assert is_whole(restarted)
        assert not list(root.rglob("*.part"))
        if is_finished:
            break
    assert is_finished
    assert steps > 8
    assert seen == {digest_of(old[0]), digest_of(new[0])}
