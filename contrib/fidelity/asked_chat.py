"""A chat completions call."""

from __future__ import annotations

from asked import Asked, data_of
from said import Json, value


def read(body: Json) -> Asked:
    asked = Asked(
        limit=body.get("max_completion_tokens") or body.get("max_tokens"),
        temperature=body.get("temperature"),
        top_p=body.get("top_p"),
    )
    stop = body.get("stop") or []
    asked.stop = [stop] if isinstance(stop, str) else list(stop)
    for message in body["messages"]:
        _message(asked, message)
    for tool in body.get("tools") or []:
        if function := tool.get("function"):
            asked.tools.append((function["name"], function.get("description") or "", function.get("parameters")))
    for function in body.get("functions") or []:
        asked.tools.append((function["name"], function.get("description") or "", function.get("parameters")))
    choice = body.get("tool_choice")
    named = choice if isinstance(choice, str) else _named(choice or {})
    asked.choice = "required" if named == "any" else named
    form = body.get("response_format") or {}
    asked.schema = (form.get("json_schema") or {}).get("schema")
    return asked


def _named(choice: Json) -> str:
    some = choice.get("allowed_tools") or {}
    return str((choice.get("function") or {}).get("name") or some.get("mode") or "")


def _message(asked: Asked, message: Json) -> None:
    role = message["role"]
    content = message.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    if role in ("tool", "function"):
        asked.results.append("".join(part.get("text") or "" for part in parts))
        return
    for part in parts:
        match part.get("type"):
            case "text":
                asked.say(role, part["text"])
            case "image_url":
                image = part["image_url"]
                asked.media.append(data_of(image if isinstance(image, str) else image["url"]))
            case "input_audio":
                asked.media.append(part["input_audio"]["data"])
            case "file":
                file = part["file"]
                asked.media.append(data_of(file.get("file_data") or file.get("file_id") or ""))
    for call in message.get("tool_calls") or []:
        if function := call.get("function"):
            asked.calls.append((function["name"], value(function.get("arguments") or "")))
    if legacy := message.get("function_call"):
        asked.calls.append((legacy["name"], value(legacy["arguments"])))
