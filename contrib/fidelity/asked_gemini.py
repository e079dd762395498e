"""A Gemini generateContent call."""

from __future__ import annotations

import json
from typing import Any

from asked import Asked
from said import Json


def read(body: Json) -> Asked:
    body = _camel(body)
    config = body.get("generationConfig") or {}
    asked = Asked(
        limit=config.get("maxOutputTokens"),
        temperature=config.get("temperature"),
        top_p=config.get("topP"),
        stop=list(config.get("stopSequences") or []),
        schema=config.get("responseJsonSchema") or config.get("responseSchema"),
    )
    for part in _many((body.get("systemInstruction") or {}).get("parts")):
        asked.say("system", part.get("text"))
    for content in _many(body["contents"]):
        for part in _many(content.get("parts")):
            _part(asked, content.get("role") or "user", part)
    for tool in _many(body.get("tools")):
        for one in tool.get("functionDeclarations") or []:
            schema = one.get("parametersJsonSchema") or one.get("parameters")
            asked.tools.append((one["name"], one.get("description") or "", schema))
    choice = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    names = choice.get("allowedFunctionNames") or []
    mode = {"ANY": "required"}.get(choice.get("mode", ""), choice.get("mode", "").lower())
    asked.choice = names[0] if len(names) == 1 and mode == "required" else mode
    return asked


def _many(value: Any) -> list[Json]:
    """Protobuf's JSON takes one for a list of one."""
    return value if isinstance(value, list) else [value] if value else []


def _part(asked: Asked, role: str, part: Json) -> None:
    if not part.get("thought"):
        asked.say(role, part.get("text"))
    if inline := part.get("inlineData"):
        asked.media.append(inline["data"])
    if file := part.get("fileData"):
        asked.media.append(file["fileUri"])
    if call := part.get("functionCall"):
        asked.calls.append((call["name"], call.get("args") or {}))
    if result := part.get("functionResponse"):
        asked.results.append(_result(result.get("response") or {}))
        for inner in result.get("parts") or []:
            _part(asked, "user", inner)


def _result(response: Json) -> str:
    """Text that stands alone under a customary name is that text; anything else is its JSON."""

    if len(response) == 1:
        [only] = response.values()
        if isinstance(only, str):
            return only
    return json.dumps(response, sort_keys=True)


def _camel(value: Any) -> Any:
    """Names of the API's own members in either spelling; what users name is left alone."""
    known = {
        "system_instruction": "systemInstruction",
        "generation_config": "generationConfig",
        "function_declarations": "functionDeclarations",
        "tool_config": "toolConfig",
        "function_calling_config": "functionCallingConfig",
        "allowed_function_names": "allowedFunctionNames",
        "inline_data": "inlineData",
        "file_data": "fileData",
        "file_uri": "fileUri",
        "function_call": "functionCall",
        "function_response": "functionResponse",
        "max_output_tokens": "maxOutputTokens",
        "stop_sequences": "stopSequences",
        "response_schema": "responseSchema",
        "response_json_schema": "responseJsonSchema",
        "parameters_json_schema": "parametersJsonSchema",
        "top_p": "topP",
    }
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if isinstance(value, dict):
        return {
            known.get(name, name): inner if name in ("args", "response", "parameters") else _camel(inner)
            for name, inner in value.items()
        }
    return value
