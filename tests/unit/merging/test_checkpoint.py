import pytest
import torch

from workers.merging.checkpoint import (
    CheckpointDamaged,
    CheckpointFolder,
    CheckpointNotWritten,
    CheckpointOfAnotherRun,
    require_same,
)

IDENTITY = {"the seed": "1"}


def tensors():
    torch.manual_seed(5)
    weights = torch.randn(4, 3, 3, 3)
    return {
        "plain": weights,
        "channels last": weights.contiguous(memory_format=torch.channels_last),
        "ambiguous": torch.randn(4, 3, 1, 1).contiguous(memory_format=torch.channels_last),
        "transposed": torch.randn(5, 2).t(),
        "count": torch.tensor(7),
        "half": torch.randn(3).half(),
        "bytes": torch.arange(4, dtype=torch.uint8),
    }


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_gives_back_state_and_tensors_bit_by_bit_and_laid_out_as_they_were(tmp_path):
    wanted = tensors()
    CheckpointFolder(tmp_path).write(IDENTITY, b'{"a":1}', {"one": wanted, "none": {}})
    found = CheckpointFolder(tmp_path).read()
    assert (found.identity, found.state, found.parts["none"]) == (IDENTITY, b'{"a":1}', {})
    for name, tensor in wanted.items():
        assert torch.equal(found.parts["one"][name], tensor)
        assert found.parts["one"][name].dtype is tensor.dtype
        assert found.parts["one"][name].stride() == tensor.stride()


def test_holds_the_newest_checkpoint_only_and_writes_what_stayed_once(tmp_path):
    folder, before = CheckpointFolder(tmp_path), tensors()
    folder.write(IDENTITY, b"1", {"before": before, "now": {"x": torch.zeros(2)}})
    kept = next(tmp_path.glob("before-*"))
    written_at = kept.stat().st_mtime_ns
    (tmp_path / "now.part").write_bytes(b"left by a kill")
    folder.write(IDENTITY, b"2", {"before": before, "now": {"x": torch.ones(2)}})
    assert kept.stat().st_mtime_ns == written_at
    assert len(files(tmp_path)) == 3
    found = CheckpointFolder(tmp_path).read()
    assert (found.state, found.parts["now"]["x"].tolist()) == (b"2", [1.0, 1.0])


def test_a_kill_while_it_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    folder = CheckpointFolder(tmp_path)
    folder.write(IDENTITY, b"1", {"now": {"x": torch.zeros(2)}})

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("workers.merging.checkpoint.write_atomically", killed)
    with pytest.raises(KeyboardInterrupt):
        folder.write(IDENTITY, b"2", {"now": {"x": torch.ones(2)}})
    found = CheckpointFolder(tmp_path).read()
    assert (found.state, found.parts["now"]["x"].tolist()) == (b"1", [0.0, 0.0])


@pytest.mark.parametrize("name", ["checkpoint.json", "now-*"])
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_says_what_to_do_about_a_damaged_checkpoint(tmp_path, name, damage):
    CheckpointFolder(tmp_path).write(IDENTITY, b'{"samples":100}', {"now": {"x": torch.ones(200)}})
    path = next(tmp_path.glob(name))
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.unlink()
    if damage != "gone":
        path.write_bytes(content if damage == "flipped" else content[:-30])
    with pytest.raises(CheckpointDamaged, match="Start without --resume, or with another --out; nothing was changed"):
        CheckpointFolder(tmp_path).read()


def test_says_that_it_could_not_be_written(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointNotWritten, match="could not be written"):
        CheckpointFolder(tmp_path / "file").write(IDENTITY, b"1", {})


def test_names_what_differs_from_the_run_that_wrote_it():
    found = {"the strategy": "gemel", "the model of a": "0" * 64, "the data of b": "1" * 64}
    wanted = {"the strategy": "stem", "the model of a": "2" * 64, "the data of c": "1" * 64}
    sentence = (
        "the strategy was gemel and is stem now, the model of a changed, the data of c is new, the data of b is gone"
    )
    with pytest.raises(CheckpointOfAnotherRun, match=sentence):
        require_same(found, wanted)
    require_same(found, dict(reversed(found.items())))
