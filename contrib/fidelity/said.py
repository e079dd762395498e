"""What a reply comes to, whatever the dialect: read off the wire by code that shares nothing with the dialects."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Said:
    """calls: id, name, arguments as JSON values (or text where they are none). end: a class of finish reasons.

    read: all input tokens, cached ones included; None where nothing was reported. wrote: reasoning included.
    pictures: base64, or URLs. failed: the reply holds an error. refused: there is a refusal in the text.
    """

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    end: str | None = None
    read: int | None = None
    cached: int = 0
    wrote: int | None = None
    thought: int = 0
    failed: bool = False
    refused: bool = field(default=False, compare=False)

    def picture(self, url: str) -> None:
        """A data URL, or another."""
        self.pictures.append(url.partition(";base64,")[2] or url)

    def call(self, name: str, arguments: Any, key: str = "") -> None:
        self.calls.append((key, name, value(arguments)))


def value(arguments: Any) -> Any:
    """Arguments as a JSON value; text that is no JSON as it is; nothing is no arguments."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments) if arguments.strip() else {}
    except ValueError:
        return arguments


def sse(body: str) -> list[Json]:
    """The JSON of each event's data."""
    found = []
    for block in body.replace("\r\n", "\n").split("\n\n"):
        data = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        text = "\n".join(data)
        if text.strip() and text.strip() != "[DONE]":
            found.append(json.loads(text))
    return found
