"""Files that never fill a disk, and writers that never wait."""

import pytest

from edge_runtime.answers import line_file
from edge_runtime.answers.line_file import LineWriter, ResultsFileError, RotatedFile


def test_two_files_hold_the_newest_lines_within_the_limit(tmp_path):
    path = tmp_path / "results.jsonl"
    writer = LineWriter(RotatedFile(path, 1000))
    for number in range(500):
        writer.put("q", f'{{"n":{number}}}'.encode())
        writer.work()
    older = path.with_name("results.jsonl.1")
    assert path.stat().st_size + older.stat().st_size <= 1000
    lines = (older.read_text() + path.read_text()).splitlines()
    assert lines == [f'{{"n":{number}}}' for number in range(500 - len(lines), 500)]
    assert sorted(tmp_path.iterdir()) == [path, older]


def test_goes_on_with_a_file_and_ends_a_line_that_was_cut(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":')
    RotatedFile(path, 1000).write(b'{"n":3}\n')
    assert path.read_bytes() == b'{"n":1}\n{"n":\n{"n":3}\n'


def test_says_at_the_start_that_a_file_cannot_be_written(tmp_path):
    with pytest.raises(ResultsFileError, match="--results"):
        RotatedFile(tmp_path / "nowhere" / "results.jsonl", 1000)


class FullDisk:
    def __init__(self):
        self.is_full, self.written = True, b""

    def write(self, lines):
        if self.is_full:
            raise OSError(28, "No space left on device")
        self.written += lines


def test_a_full_disk_costs_lines_and_they_are_counted():
    disk, now = FullDisk(), [0.0]
    writer = LineWriter(disk, clock=lambda: now[0])
    for _ in range(3):
        writer.put("q", b"1")
        writer.work()
    disk.is_full = False
    writer.put("q", b"1")
    writer.work()  # too soon to try again
    assert (writer.dropped, disk.written) == (4, b"")
    now[0] = 10.0
    writer.put("q", b"2")
    writer.work()
    assert (writer.dropped, disk.written) == (4, b"2\n")


def test_a_reader_that_stands_still_costs_the_oldest_lines(monkeypatch):
    monkeypatch.setattr(line_file, "WAITING", 3)
    disk = FullDisk()
    disk.is_full = False
    writer = LineWriter(disk)
    for number in range(5):
        writer.put("q", str(number).encode())
    writer.work()
    assert (writer.dropped, disk.written) == (2, b"2\n3\n4\n")
