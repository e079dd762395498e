"""What a call comes to, whatever the dialect: read off the wire by code that shares nothing with the dialects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Asked:
    """In order of appearance, whatever the turn they stand in. results: name or id of the call left out, text only.

    media: images, documents and audio, by their URL or their data. schema: of the output.
    """

    system: str = ""
    user: list[str] = field(default_factory=list)
    assistant: list[str] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    results: list[str] = field(default_factory=list)
    media: list[str] = field(default_factory=list)
    tools: list[tuple[str, str, Any]] = field(default_factory=list)
    choice: str = ""
    schema: Any = None
    limit: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: list[str] = field(default_factory=list)

    def say(self, role: str, text: str | None) -> None:
        if not text:
            return
        if role in ("system", "developer"):
            self.system += text
        elif role in ("assistant", "model"):
            self.assistant.append(text)
        else:
            self.user.append(text)


def data_of(url: str) -> str:
    """A data URL's data; any other URL as it is."""
    return url.partition(",")[2] if url.startswith("data:") else url
