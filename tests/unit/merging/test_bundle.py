import pytest
import torch

from edge_runtime.protocol.manifest import decode_manifest
from edge_runtime.vision.spec import ModelSpec, Task
from workers.merging.bundle import (
    BundleDamaged,
    BundledQuery,
    keep_bundles,
    merged_weights,
    remove_bundles,
    write_merge_bundle,
)

SPEC = ModelSpec("squeezenet1_1", ("day", "night"), (32, 32))


def queries(merged=None):
    """One that is merged where a value is given, and one that keeps its original."""
    original = {"w": torch.zeros(3), "b": torch.ones(2)}
    new = None if merged is None else {"w": torch.full((3,), merged), "b": torch.ones(2)}
    return [
        BundledQuery("a", Task.CLASSIFICATION, SPEC, original, new, None if new is None else "a+1"),
        BundledQuery("b", Task.CLASSIFICATION, SPEC, {"w": torch.full((3,), 9.0)}),
    ]


def weight(folder):
    model = decode_manifest((folder / "manifest.json").read_bytes()).models[0]
    content = (folder / "blobs" / model.tensors["w"].digest).read_bytes()
    return torch.frombuffer(bytearray(content), dtype=torch.float32).tolist()


def test_every_accepted_configuration_stays_deployable_and_equal_tensors_are_there_once(tmp_path):
    for number, merged in ((1, 5.0), (2, 6.0)):
        write_merge_bundle(tmp_path, number, queries(merged))
    assert weight(tmp_path / "bundles" / "1") == [5.0] * 3
    assert weight(tmp_path / "bundles" / "2") == weight(tmp_path / "bundle") == [6.0] * 3
    assert len(list((tmp_path / "blobs").iterdir())) == 5  # 5, 6, 0, 9 and the ones


def test_gives_back_merged_weights_and_tells_damaged_ones(tmp_path):
    write_merge_bundle(tmp_path, 1, queries(5.0))
    found = merged_weights(tmp_path, 1)
    assert list(found) == ["a"]
    assert found["a"]["w"].tolist() == [5.0] * 3
    digest = decode_manifest((tmp_path / "bundle" / "manifest.json").read_bytes()).models[0].tensors["w"].digest
    (tmp_path / "blobs" / digest).write_bytes(b"something el")
    with pytest.raises(BundleDamaged, match="not what its name says"):
        merged_weights(tmp_path, 1)
    with pytest.raises(BundleDamaged, match="Bundle 2"):
        merged_weights(tmp_path, 2)


def test_keeps_wanted_bundles_whole(tmp_path):
    for number, merged in ((1, 5.0), (2, 6.0), (3, 7.0)):
        write_merge_bundle(tmp_path, number, queries(merged))
    keep_bundles(tmp_path, {3})
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == ["3"]
    assert weight(tmp_path / "bundle") == [7.0] * 3
    assert len(list((tmp_path / "blobs").iterdir())) == 4


def test_replaces_what_an_earlier_run_left_as_folder_or_link(tmp_path):
    (tmp_path / "bundle" / "blobs").mkdir(parents=True)
    remove_bundles(tmp_path)
    write_merge_bundle(tmp_path, 0, queries())
    remove_bundles(tmp_path)
    assert list(tmp_path.iterdir()) == []
