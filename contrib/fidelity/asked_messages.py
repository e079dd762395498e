"""An Anthropic Messages call."""

from __future__ import annotations

from typing import Any

from asked import Asked
from said import Json


def read(body: Json) -> Asked:
    asked = Asked(
        limit=body.get("max_tokens"),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
        stop=list(body.get("stop_sequences") or []),
    )
    _blocks(asked, "system", body.get("system"))
    for message in body["messages"]:
        _blocks(asked, message["role"], message["content"])
    for tool in body.get("tools") or []:
        if tool.get("type") in (None, "custom"):
            asked.tools.append((tool["name"], tool.get("description") or "", tool.get("input_schema")))
    choice = body.get("tool_choice") or {}
    asked.choice = choice.get("name") or {"any": "required"}.get(choice.get("type", ""), choice.get("type", ""))
    form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    asked.schema = form.get("schema")
    return asked


def _blocks(asked: Asked, role: str, content: Any) -> None:
    for block in [{"type": "text", "text": content}] if isinstance(content, str) else content or []:
        match block["type"]:
            case "text":
                asked.say(role, block["text"])
            case "image" | "document":
                asked.media += _media(block)
            case "tool_use":
                asked.calls.append((block["name"], block["input"]))
            case "tool_result":
                _result(asked, block.get("content"))


def _result(asked: Asked, content: Any) -> None:
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    asked.results.append("".join(block.get("text") or "" for block in blocks if block["type"] == "text"))
    for block in blocks:
        if block["type"] in ("image", "document"):
            asked.media += _media(block)


def _media(block: Json) -> list[str]:
    source = block["source"]
    if source["type"] == "content":
        return []
    return [source.get("data") or source.get("url") or source.get("file_id") or ""]
