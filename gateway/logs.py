"""Logging: one handler on stderr, JSON lines or console, with anything that looks like a key struck out.

Who has many lines a second (the access log) makes them itself and hands them to the handler together: see `handler_of`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import select
import stat
import sys
import time
from typing import Any, TextIO

import msgspec

from .settings.core import Log

# A backslash ends a key: in JSON it belongs to the quotation mark behind.
_KEYLIKE = re.compile(
    r"\b(sk-[A-Za-z0-9_-]{4})[A-Za-z0-9_-]{8,}|(?i:(bearer\s+))[^\s\"'\\]+|(?i:([?&]key=))[^&\s\"'\\]+"
)
_MOST_AT_ONCE = 65_536


def set_up(wanted: Log) -> None:
    """Once a process. `auto` is console on a terminal and JSON elsewhere."""
    console = wanted.format == "console" or (wanted.format == "auto" and sys.stderr.isatty())
    handler = LineHandler(sys.stderr, console)
    root = logging.getLogger("gateway")
    root.handlers[:] = [handler]
    root.setLevel(wanted.level.upper())
    root.propagate = False
    for noisy in ("aiohttp.server", "aiohttp.access", "asyncio"):
        other = logging.getLogger(noisy)
        other.handlers[:] = [handler]
        other.setLevel(logging.WARNING)
        other.propagate = False


def redact(text: str) -> str:
    """The text without keys: the last guard, should one ever reach a message."""
    # The expression alone takes ten times as long as these, which nearly no line contains.
    if "sk-" not in text and "=" not in text and "bearer" not in text.lower():
        return text
    return _KEYLIKE.sub(lambda match: (match[1] or match[2] or match[3] or "") + "***", text)


class LineHandler(logging.StreamHandler[TextIO]):
    """console: what its lines look like; JSON otherwise."""

    def __init__(self, stream: TextIO, console: bool) -> None:
        super().__init__(stream)
        self.console = console
        self.setFormatter(Console() if console else Json())

    def write(self, lines: str) -> None:
        """Whole lines, each with its newline and redacted. Raises OSError; what was not written yet is lost."""
        self.acquire()
        try:
            descriptor = _descriptor(self.stream)
            if descriptor is None:
                self.stream.write(lines)
                self.stream.flush()
            else:
                self.stream.flush()
                _write(descriptor, lines.encode("utf-8", "backslashreplace"))
        finally:
            self.release()


def handler_of(log: logging.Logger) -> LineHandler | None:
    """Where this logger's records go, if it is here and nowhere else; None where another program or a test listens.

    Whoever writes to it directly asks `log.isEnabledFor` before and looks at `console`.
    """
    found: list[logging.Handler] = []
    at: logging.Logger | None = log
    while at is not None:
        found += at.handlers
        at = at.parent if at.propagate else None
    return found[0] if len(found) == 1 and isinstance(found[0], LineHandler) else None


def _descriptor(stream: TextIO) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return stream.fileno()
    return None


def _write(descriptor: int, lines: bytes) -> None:
    """Workers share a pipe, which keeps only small writes in one piece: no piece ends within a line."""
    most = _MOST_AT_ONCE if stat.S_ISREG(os.fstat(descriptor).st_mode) else select.PIPE_BUF
    start = 0
    while start < len(lines):
        end = len(lines)
        if end - start > most:
            end = (lines.rfind(b"\n", start, start + most) + 1) or (lines.find(b"\n", start) + 1) or end
        _write_piece(descriptor, lines[start:end])
        start = end


def _write_piece(descriptor: int, piece: bytes) -> None:
    while piece:
        try:
            piece = piece[os.write(descriptor, piece) :]
        except BlockingIOError:  # another program that shares the stream made it so
            select.select([], [descriptor], [], 1.0)


class Json(logging.Formatter):
    """One JSON object a line; a record's `fields` (a mapping) are its members."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        fields = getattr(record, "fields", None)
        line.update(fields if fields is not None else {"message": record.getMessage()})
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return redact(_encoded(line))


class Console(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


def _encoded(line: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(line, enc_hook=str).decode()
    except UnicodeEncodeError:  # a lone surrogate, which upstreams and file names may hold
        return json.dumps(line, default=str)
