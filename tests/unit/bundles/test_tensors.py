"""Blobs: the byte layout, the round trip, and that a mapped tensor cannot change its file."""

import hashlib
import struct

import pytest
import torch

from edge_runtime.bundles.tensors import (
    TORCH_DTYPES,
    TensorError,
    blob_bytes,
    map_tensor,
    tensor_entry,
    tensor_from_blob,
    write_bundle,
)
from edge_runtime.protocol.manifest import Manifest, decode_manifest


def test_blob_is_the_little_endian_c_order_bytes():
    transposed = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).t()
    assert blob_bytes(transposed) == struct.pack("<4f", 1.0, 3.0, 2.0, 4.0)


def test_digest_is_the_sha256_of_the_bytes():
    entry = tensor_entry(torch.tensor(7, dtype=torch.int64))
    assert entry.digest == hashlib.sha256(struct.pack("<q", 7)).hexdigest()
    assert (entry.dtype, entry.shape, entry.size_bytes) == ("int64", (), 8)


@pytest.mark.parametrize("dtype", sorted(TORCH_DTYPES))
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3, 4)])
def test_every_dtype_and_shape_survives_file_and_bytes(tmp_path, dtype, shape):
    tensor = (torch.rand(shape) * 100).to(TORCH_DTYPES[dtype])
    entry = tensor_entry(tensor)
    path = tmp_path / entry.digest
    path.write_bytes(blob_bytes(tensor))
    for again in (map_tensor(entry, path), tensor_from_blob(entry, path.read_bytes())):
        assert again.shape == tensor.shape
        assert torch.equal(again, tensor)


def test_writing_into_a_mapped_tensor_leaves_the_file_alone(tmp_path):
    tensor = torch.arange(4, dtype=torch.float32)
    entry = tensor_entry(tensor)
    path = tmp_path / entry.digest
    path.write_bytes(blob_bytes(tensor))
    map_tensor(entry, path).fill_(9)
    assert path.read_bytes() == blob_bytes(tensor)


def test_refuses_bytes_of_the_wrong_length(tmp_path):
    entry = tensor_entry(torch.zeros(4))
    path = tmp_path / entry.digest
    path.write_bytes(b"123")
    with pytest.raises(TensorError, match="3 bytes"):
        map_tensor(entry, path)
    with pytest.raises(TensorError, match="3 bytes"):
        tensor_from_blob(entry, b"123")


def test_refuses_a_dtype_that_a_manifest_cannot_name():
    with pytest.raises(TensorError, match="complex64"):
        tensor_entry(torch.zeros(2, dtype=torch.complex64))


def test_an_unsigned_bundle_holds_the_manifest_and_each_blob(tmp_path):
    tensor = torch.ones(3)
    manifest = Manifest(box="", version=0, models=(), created_at="2026-01-01T00:00:00Z")
    write_bundle(tmp_path, manifest, {tensor_entry(tensor).digest: tensor})
    assert decode_manifest((tmp_path / "manifest.json").read_bytes()) == manifest
    assert [path.read_bytes() for path in (tmp_path / "blobs").iterdir()] == [blob_bytes(tensor)]
