"""A Responses call."""

from __future__ import annotations

from typing import Any

from asked import Asked, data_of
from said import Json, value


def read(body: Json) -> Asked:
    asked = Asked(
        system=body.get("instructions") or "",
        limit=body.get("max_output_tokens"),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
    )
    given = body.get("input") or []
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        _item(asked, item)
    for tool in body.get("tools") or []:
        if tool["type"] == "function":
            asked.tools.append((tool["name"], tool.get("description") or "", tool.get("parameters")))
    choice = body.get("tool_choice")
    asked.choice = choice if isinstance(choice, str) else (choice or {}).get("name") or (choice or {}).get("mode", "")
    asked.schema = ((body.get("text") or {}).get("format") or {}).get("schema")
    return asked


def _item(asked: Asked, item: Json) -> None:
    match item.get("type", "message"):
        case "message":
            _parts(asked, item["role"], item.get("content"))
        case "function_call":
            asked.calls.append((item["name"], value(item["arguments"])))
        case "function_call_output":
            output = item["output"]
            parts = [{"text": output}] if isinstance(output, str) else output
            asked.results.append("".join(part.get("text") or "" for part in parts))
            asked.media += [_media(part) for part in parts if part.get("type") in ("input_image", "input_file")]


def _parts(asked: Asked, role: str, content: Any) -> None:
    for part in [{"type": "input_text", "text": content}] if isinstance(content, str) else content or []:
        if part["type"] in ("input_text", "output_text", "text"):
            asked.say(role, part["text"])
        elif part["type"] == "refusal":
            asked.say(role, part["refusal"])
        elif part["type"] in ("input_image", "input_file"):
            asked.media.append(_media(part))


def _media(part: Json) -> str:
    named = (part.get(name) for name in ("image_url", "file_data", "file_url", "file_id"))
    return data_of(next((one for one in named if one), ""))
