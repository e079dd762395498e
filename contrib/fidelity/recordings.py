"""Recorded exchanges, as bytes that an upstream would send."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]
SPOKEN = {
    "openai.chat": "openai-chat",
    "openai.responses": "open-responses",
    "anthropic.messages": "anthropic-messages",
    "gemini.generateContent": "gemini",
    "bedrock.converse": "bedrock-converse",
}


@dataclass(frozen=True)
class Recording:
    """body: of the reply. stream: it is one. request: the recorded call, None where there is none."""

    id: str
    provider: str
    dialect: str
    status: int
    headers: dict[str, str]
    body: bytes
    stream: bool
    request: Json | None
    path: str
    query: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.id} ({self.provider})"


def recordings(corpus: Path, dialects: frozenset[str] | None = None) -> Iterator[Recording]:
    for line in (corpus / "index.jsonl").read_text().splitlines():
        row = json.loads(line)
        dialect = SPOKEN.get(row["api"])
        if dialect and row["method"] == "POST" and (dialects is None or dialect in dialects):
            yield _recording(row, dialect, json.loads((corpus / row["file"]).read_text()))


def _recording(row: Json, dialect: str, found: Json) -> Recording:
    response, request = found["response"], found.get("request") or {}
    body = response["body"]
    array = dialect == "gemini" and isinstance(body, list)
    asked = request.get("body")
    return Recording(
        row["id"],
        row["provider"],
        dialect,
        response["status"],
        {name.lower(): value for name, value in (response.get("headers") or {}).items() if isinstance(value, str)},
        _bytes(response["body_kind"], body),
        response["body_kind"] in ("sse", "aws-eventstream") or array,
        asked if isinstance(asked, dict) else None,
        request.get("path") or "",
        request.get("query") or {},
    )


def _bytes(kind: str, body: Any) -> bytes:
    if kind == "aws-eventstream":
        return base64.b64decode(body)
    if kind == "json":
        return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return (body or "").encode("utf-8", "surrogatepass")
