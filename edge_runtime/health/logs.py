"""The box's log: readable lines in a terminal, JSON lines elsewhere, and the newest of them in a file of bounded size.

Every line has `timestamp`, `level`, `event` and, where they are known, `box`, `camera` and `query`: give the latter two
as `extra={"camera": ...}`. Passwords in camera addresses never get into it, whoever logs them, tracebacks included.
"""

import logging
import logging.handlers
import re
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any, TextIO

import structlog

from edge_runtime.protocol.errors import GemelError

FORMATS = ("auto", "json", "text")
FILE = Path("log") / "gemel-edge.jsonl"
FILE_BYTES, FILES_KEPT = 2**20, 3
# Up to the last @ before the path: a password may hold one itself.
_SECRET = re.compile(r"([a-z][a-z0-9+.-]*://)[^\s/?#'\"]+@", re.IGNORECASE)
Event = MutableMapping[str, Any]


class LogFormatUnknown(GemelError):
    code = "log_format"


def set_up_logging(log_format: str = "auto", *, stream: TextIO | None = None) -> None:
    """All of `logging` goes to `stream` (standard error). Raises LogFormatUnknown."""
    if log_format not in FORMATS:
        raise LogFormatUnknown(f'There is no log format "{log_format}"; choose {", ".join(FORMATS)}.')
    stream = stream or sys.stderr
    is_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_text() if is_text else _json(""))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for chatty in ("httpx", "websockets"):  # a line per request
        logging.getLogger(chatty).setLevel(logging.WARNING)


def keep_log(state_dir: Path, box: str) -> None:
    """From now on every line names `box` and also goes to a file below `state_dir`, where `doctor` looks."""
    path = state_dir / FILE
    kept = _QuietFileHandler(path)
    root = logging.getLogger()
    for handler in root.handlers:
        if getattr(handler.formatter, "is_json", False):
            handler.setFormatter(_json(box))
    kept.setFormatter(_json(box))
    root.addHandler(kept)


def redacted(text: str) -> str:
    """`text` with user names and passwords in addresses replaced by ***."""
    return _SECRET.sub(r"\1***@", text)


class _QuietFileHandler(logging.handlers.RotatingFileHandler):
    """A disk that is full must not disturb the box: the line is in the other log, and this one goes on later."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=FILE_BYTES, backupCount=FILES_KEPT, delay=True)

    def _open(self) -> Any:
        Path(self.baseFilename).parent.mkdir(mode=0o700, exist_ok=True)
        return super()._open()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # from a rotation
            self.stream = None

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)


class _Formatter(structlog.stdlib.ProcessorFormatter):
    def __init__(self, *processors: Any, is_json: bool) -> None:
        super().__init__(
            foreign_pre_chain=[
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(allow=("camera", "query", "bundle_version")),
                structlog.processors.TimeStamper(fmt="iso", utc=True),
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *processors],
        )
        self.is_json = is_json


def _json(box: str) -> logging.Formatter:
    def add_box(logger: Any, name: str, event: Event) -> Event:
        return {**event, "box": box} if box else event

    return _Formatter(
        add_box,
        structlog.processors.format_exc_info,
        _redact,
        structlog.processors.JSONRenderer(ensure_ascii=False),
        is_json=True,
    )


def _text() -> logging.Formatter:
    return _Formatter(
        structlog.processors.format_exc_info, _redact, structlog.dev.ConsoleRenderer(colors=False), is_json=False
    )


def _redact(logger: Any, name: str, event: Event) -> Event:
    return {key: redacted(value) if isinstance(value, str) else value for key, value in event.items()}
