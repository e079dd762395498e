"""Names and ids as Bedrock takes them: of models, tools, calls and documents.

Source: the service model of bedrock-runtime (ToolUseId, ToolName, DocumentBlock) and its user guide, "Document".
"""

from __future__ import annotations

import hashlib
import re

from gateway.wire.segments import model_segment

NAME = "bedrock-converse"
THINKING = "thinking"
"""Opaque.form of a signature of thoughts."""
REDACTED = "redacted"
"""Opaque.form of thoughts that only their maker reads: base64."""
LONGEST = 64
_WORD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_WORD = re.compile(r"[^A-Za-z0-9_-]")
_NOT_TITLE = re.compile(r"[^A-Za-z0-9\s\-()\[\]]")
_SPACES = re.compile(r"\s+")


def model_path(model: str, operation: str) -> str:
    """Raises BadCall."""
    return f"/model/{model_segment(model)}/{operation}"


def word(text: str) -> str:
    """A tool's name or a call's id; what Bedrock would refuse is replaced, differently for different texts."""
    if _WORD.fullmatch(text):
        return text
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_NOT_WORD.sub('_', text)[: LONGEST - 9]}_{digest}"


class Titles:
    """Names of documents: only some characters, and each once in a request."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, filename: str | None) -> str:
        stem = (filename or "").rpartition(".")[0] or filename or ""
        name = _SPACES.sub(" ", _NOT_TITLE.sub(" ", stem)).strip()[:180].strip() or "document"
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name} {number}"
        self._taken.add(found)
        return found
