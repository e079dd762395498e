"""A Bedrock Converse call."""

from __future__ import annotations

import json

from asked import Asked
from said import Json


def read(body: Json) -> Asked:
    config = body.get("inferenceConfig") or {}
    asked = Asked(
        limit=config.get("maxTokens"),
        temperature=config.get("temperature"),
        top_p=config.get("topP"),
        stop=list(config.get("stopSequences") or []),
    )
    structure = ((body.get("outputConfig") or {}).get("textFormat") or {}).get("structure") or {}
    if schema := (structure.get("jsonSchema") or {}).get("schema"):
        asked.schema = json.loads(schema)
    for block in body.get("system") or []:
        asked.say("system", block.get("text"))
    for message in body.get("messages") or []:
        for block in message["content"]:
            _block(asked, message["role"], block)
    tools = body.get("toolConfig") or {}
    for tool in tools.get("tools") or []:
        if spec := tool.get("toolSpec"):
            asked.tools.append((spec["name"], spec.get("description") or "", spec["inputSchema"]["json"]))
    choice = tools.get("toolChoice") or {}
    asked.choice = (choice.get("tool") or {}).get("name") or ("required" if "any" in choice else "".join(choice))
    return asked


def _block(asked: Asked, role: str, block: Json) -> None:
    asked.say(role, block.get("text"))
    for kind in ("image", "document", "video", "audio"):
        if part := block.get(kind):
            source = part["source"]
            asked.media.append(source.get("bytes") or source.get("text") or (source.get("s3Location") or {}).get("uri"))
    if call := block.get("toolUse"):
        asked.calls.append((call["name"], call["input"]))
    if result := block.get("toolResult"):
        texts = [json.dumps(part["json"]) if "json" in part else part.get("text") or "" for part in result["content"]]
        asked.results.append("".join(texts))
        for part in result["content"]:
            if part.keys() & {"image", "document"}:
                _block(asked, "user", part)
