"""Gemini's generateContent: whole, as server-sent events, as a JSON array."""

from __future__ import annotations

import json

from said import Json, Said, sse

ENDS: dict[str | int, str] = {"STOP": "stop", "MAX_TOKENS": "length", 1: "stop", 2: "length"}
FILTERS = {
    "SAFETY",
    "RECITATION",
    "LANGUAGE",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "IMAGE_SAFETY",
    "IMAGE_PROHIBITED_CONTENT",
    "IMAGE_OTHER",
    "NO_IMAGE",
    "IMAGE_RECITATION",
    "ESCALATION",
    "MODEL_ARMOR",
}
BROKEN = {
    "MALFORMED_FUNCTION_CALL",
    "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
    "MISSING_THOUGHT_SIGNATURE",
    "MALFORMED_RESPONSE",
}


def whole(body: Json) -> Said:
    return _joined([body])


def stream(body: str) -> Said:
    return _joined(json.loads(body) if body.lstrip().startswith("[") else sse(body))


def _joined(chunks: list[Json]) -> Said:
    said = Said()
    for chunk in chunks:
        said.failed = said.failed or "error" in chunk
        for candidate in (chunk.get("candidates") or [])[:1]:
            if candidate.get("index", 0):
                continue
            for part in (candidate.get("content") or {}).get("parts") or []:
                _part(said, part)
            _end(said, candidate.get("finishReason"))
        if (chunk.get("promptFeedback") or {}).get("blockReason"):
            said.end = "filter"
        _usage(said, chunk.get("usageMetadata") or {})
    if said.calls and said.end == "stop":
        said.end = "tool_calls"
    return said


def _part(said: Said, part: Json) -> None:
    if part.get("thought"):
        said.reasoning += part.get("text") or ""
    else:
        said.text += part.get("text") or ""
    inline = part.get("inlineData") or {}
    if str(inline.get("mimeType")).startswith("image/"):
        said.picture(inline["data"])
    if (call := part.get("functionCall")) is not None:
        if call.get("name"):
            said.call(call["name"], call.get("args") or {}, call.get("id") or "")
        for piece in call.get("partialArgs") or []:
            _more(said.calls[-1][2], piece)


def _more(arguments: Json, piece: Json) -> None:
    """A piece of an argument at the top level, which is all that was recorded."""
    name = piece["jsonPath"].removeprefix("$.")
    if "stringValue" in piece:
        arguments[name] = arguments.get(name, "") + piece["stringValue"]
    else:
        arguments[name] = piece.get("numberValue", piece.get("boolValue"))


def _end(said: Said, reason: str | int | None) -> None:
    if reason is None:
        return
    if reason in BROKEN:
        said.failed = True
    said.end = "filter" if reason in FILTERS else ENDS.get(reason)


def _usage(said: Said, usage: Json) -> None:
    if not usage:
        return
    said.read = (usage.get("promptTokenCount") or 0) + (usage.get("toolUsePromptTokenCount") or 0)
    said.cached = usage.get("cachedContentTokenCount") or 0
    said.thought = usage.get("thoughtsTokenCount") or 0
    said.wrote = (usage.get("candidatesTokenCount") or 0) + said.thought
