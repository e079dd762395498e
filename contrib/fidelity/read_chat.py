"""Chat completions, whole and streamed."""

from __future__ import annotations

from said import Json, Said, sse

ENDS = {
    "stop": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "length": "length",
    "model_length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "filter",
}


def whole(body: Json) -> Said:
    said = Said(failed=bool(body.get("error")))
    for choice in (body.get("choices") or [])[:1]:
        message = choice.get("message") or {}
        _said(said, message)
        for call in message.get("tool_calls") or []:
            _call(said, call)
        if legacy := message.get("function_call"):
            said.call(legacy["name"], legacy["arguments"])
        said.end = ENDS.get(choice.get("finish_reason") or "")
        _ended(said)
    _usage(said, body.get("usage"))
    return said


def stream(body: str) -> Said:
    said = Said()
    calls: dict[int, Json] = {}
    for chunk in sse(body):
        said.failed = said.failed or bool(chunk.get("error"))
        for choice in chunk.get("choices") or []:
            if choice.get("error"):
                said.failed = True
            if choice.get("index", 0):
                continue
            delta = choice.get("delta") or {}
            _said(said, delta)
            pieces = delta.get("tool_calls") or []
            if legacy := delta.get("function_call"):
                pieces = [*pieces, {"index": -1, "function": legacy}]
            for piece in pieces:
                at = piece.get("index")
                _grow(calls.setdefault(len(calls) if at is None else at, {}), piece)
            said.end = ENDS.get(choice.get("finish_reason") or "") or said.end
        usage = chunk.get("usage") or (chunk.get("x_groq") or {}).get("usage")
        _usage(said, usage)
    for call in calls.values():
        _call(said, call)
    _ended(said)
    return said


def _ended(said: Said) -> None:
    if said.refused and said.end == "stop":
        said.end = "filter"
    _called(said)


def _called(said: Said) -> None:
    """A call that was asked for by name ends with `stop`, and some never say that they ended with calls."""
    if said.calls and said.end in ("stop", None):
        said.end = "tool_calls"


def _said(said: Said, message: Json) -> None:
    content = message.get("content")
    if isinstance(content, list):
        for part in content:
            if part.get("type") == "thinking":
                said.reasoning += "".join(piece.get("text", "") for piece in part.get("thinking") or [])
            said.text += part.get("text") or "" if part.get("type") == "text" else ""
            if part.get("type") == "image_url":
                _picture(said, part)
    else:
        said.text += content or ""
    if refusal := message.get("refusal"):
        said.text += refusal
        said.refused = True
    for picture in message.get("images") or []:
        _picture(said, picture)
    said.reasoning += message.get("reasoning_content") or message.get("reasoning") or ""


def _picture(said: Said, part: Json) -> None:
    image = part["image_url"]
    said.picture(image if isinstance(image, str) else image["url"])


def _grow(call: Json, piece: Json) -> None:
    call["id"] = call.get("id") or piece.get("id") or ""
    for kind, text in (("function", "arguments"), ("custom", "input")):
        if part := piece.get(kind):
            known = call.setdefault(kind, {"name": "", text: ""})
            known["name"] = known["name"] or part.get("name") or ""
            argument = part.get(text)
            known[text] += argument if isinstance(argument, str) else ""


def _call(said: Said, call: Json) -> None:
    if custom := call.get("custom"):
        said.calls.append((call.get("id") or "", custom["name"], custom["input"]))
    elif (function := call.get("function")) and function.get("name"):
        said.call(function["name"], function.get("arguments") or "", call.get("id") or "")


def _usage(said: Said, usage: Json | None) -> None:
    if not usage or usage.get("prompt_tokens") is None:
        return
    said.read = usage["prompt_tokens"]
    said.wrote = usage.get("completion_tokens") or 0
    details = usage.get("completion_tokens_details") or {}
    said.thought = details.get("reasoning_tokens") or usage.get("reasoning_tokens") or 0
    total = usage.get("total_tokens")
    beside = total == said.read + said.wrote + said.thought or said.thought > said.wrote
    if said.thought and beside:  # some count reasoning beside what was written
        said.wrote += said.thought
    cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens")
    said.cached = cached or usage.get("prompt_cache_hit_tokens") or usage.get("cached_tokens") or 0
