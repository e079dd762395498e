"""Logging: one handler on stderr, JSON lines or console, with anything that looks like a key struck out."""

from __future__ import annotations

import logging
import re
import sys
import time
from typing import Any

import msgspec

from .settings.core import Log

_KEYLIKE = re.compile(r"\b(sk-[A-Za-z0-9_-]{4})[A-Za-z0-9_-]{8,}|(?i:(bearer\s+))[^\s\"']+|(?i:([?&]key=))[^&\s\"']+")


def set_up(wanted: Log) -> None:
    """Once a process. `auto` is console on a terminal and JSON elsewhere."""
    console = wanted.format == "console" or (wanted.format == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Console() if console else Json())
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
    return _KEYLIKE.sub(lambda match: (match[1] or match[2] or match[3] or "") + "***", text)


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
        return redact(msgspec.json.encode(line, enc_hook=str).decode())


class Console(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
