"""The daemon's log on standard error: one line per event, as text or as JSON."""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import datetime, timezone
from typing import Any

from beatsync.specfile.lines import LOG_COMMAND, line_start, one_line
from beatsync.specfile.shapes import mask_strings, mask_text


def set_up(log_format: str, *, verbose: bool) -> None:
    """Send BeatSync's logs to standard error, without changing the project's own logging.

    What has no handler, and exceptions that end a thread, are logged in the same format: Python would print them as they are.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logger = logging.getLogger("beatsync")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.lastResort = handler
    threading.excepthook = _log_thread_exception


def _log_thread_exception(args: threading.ExceptHookArgs) -> None:
    name = args.thread.name if args.thread else "unknown"
    logging.getLogger(__name__).error("a thread ended: %s", name, exc_info=args.exc_value)


class TextFormatter(logging.Formatter):
    """`2026-06-01T12:00:00.000Z INFO message source=default …`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, followed by the traceback if there is one."""
        message = one_line(record.getMessage())
        # The outcome is often the message itself.
        fields = [f"{key}={_text(value)}" for key, value in _fields(record).items() if value != record.getMessage()]
        line = " ".join([_time(record), record.levelname, message, *fields])
        traceback = mask_text(self.formatException(record.exc_info)).split("\n") if record.exc_info else []
        return "\n".join([line, *map(line_start, traceback)])


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line = {"time": _time(record), "level": record.levelname.lower(), "logger": record.name}
        line |= {"message": mask_text(record.getMessage()), **mask_strings(_fields(record))}
        if record.exc_info:
            line["traceback"] = mask_text(self.formatException(record.exc_info))
        return LOG_COMMAND.sub(r"#\\u0023", json.dumps(line, default=str))


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return dict(getattr(record, "fields", {}))


def _text(value: object) -> str:
    text = mask_text(",".join(map(str, value)) if isinstance(value, tuple) else str(value))
    return one_line(json.dumps(text) if not text or " " in text or not text.isprintable() else text)


def _time(record: logging.LogRecord) -> str:
    time = datetime.fromtimestamp(record.created, timezone.utc)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
