"""The log as lines of JSON and as text; what it holds, what it never holds, and how large its file gets."""

import contextlib
import io
import json
import logging

import pytest

from edge_runtime.health import logs
from edge_runtime.health.logs import FILE, LogFormatUnknown, keep_log, redacted, set_up_logging


@pytest.fixture(autouse=True)
def _own_logging():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def written():
    return io.StringIO()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_without_a_terminal_every_line_is_json_with_its_fields(written, tmp_path):
    set_up_logging("auto", stream=written)
    keep_log(tmp_path, "box-1")
    logging.getLogger("edge_runtime.video.reader").warning(
        "Camera %s: %s", "Gate", "It is dark.", extra={"camera": "c1", "query": "q1", "secret": "no"}
    )
    (line,) = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "Camera Gate: It is dark.",
        "level": "warning",
        "box": "box-1",
        "camera": "c1",
        "query": "q1",
    }
    assert json.loads((tmp_path / FILE).read_text())["event"] == "Camera Gate: It is dark."


def test_in_a_terminal_lines_are_for_people(written):
    written.isatty = lambda: True
    set_up_logging("auto", stream=written)
    logging.info("Connected to %s", "https://fleet.example.org")
    assert "Connected to https://fleet.example.org" in written.getvalue()
    assert "{" not in written.getvalue()


SECRET = "rtsp://admin:s3cr@t@10.0.0.7:554/live?channel=1"


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_no_password_gets_into_the_log_whoever_logs_it(written, tmp_path, log_format):
    set_up_logging(log_format, stream=written)
    keep_log(tmp_path, "box-1")
    logging.warning("cannot open %s", SECRET, extra={"camera": SECRET})
    logging.warning("cannot open it: %r", ValueError(SECRET))
    try:
        raise OSError(SECRET)
    except OSError:
        logging.exception("unexpected")
    for content in (written.getvalue(), (tmp_path / FILE).read_text()):
        assert "s3cr" not in content
        assert "admin" not in content
        assert content.count("rtsp://***@10.0.0.7:554/live") >= 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://user@host/a and rtsp://u:p@h", "http://***@host/a and rtsp://***@h"),
        ("https://fleet.example.org/a@b", "https://fleet.example.org/a@b"),
        ("mail ada@example.org", "mail ada@example.org"),
    ],
)
def test_only_what_stands_before_the_host_is_hidden(text, shown):
    assert redacted(text) == shown


def test_the_file_never_grows_beyond_its_bound(written, tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "FILE_BYTES", 2000)
    set_up_logging("json", stream=written)
    keep_log(tmp_path, "box-1")
    for number in range(200):
        logging.info("line %d", number)
    files = list((tmp_path / FILE).parent.iterdir())
    assert len(files) == 1 + logs.FILES_KEPT
    assert all(file.stat().st_size <= 2000 for file in files)
    assert "line 199" in (tmp_path / FILE).read_text()


def test_a_full_disk_costs_the_file_its_lines_and_nothing_else(written, tmp_path, monkeypatch, capsys):
    set_up_logging("json", stream=written)
    keep_log(tmp_path, "box-1")
    logging.info("before")
    (handler,) = [handler for handler in logging.getLogger().handlers if hasattr(handler, "baseFilename")]
    real = handler.stream
    with contextlib.suppress(OSError), open("/dev/full", "w") as handler.stream:
        logging.info("while full")
    handler.stream = real
    logging.info("after")
    assert [line["event"] for line in lines(written)] == ["before", "while full", "after"]
    kept = (tmp_path / FILE).read_text()
    assert "before" in kept
    assert "after" in kept
    assert capsys.readouterr().err == ""


def test_an_unknown_format_is_refused_in_one_sentence(written):
    with pytest.raises(LogFormatUnknown, match='no log format "xml"'):
        set_up_logging("xml", stream=written)
