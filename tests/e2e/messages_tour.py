"""What a program does with the official Anthropic SDK, whichever its version: run by a test, prints JSON.

python messages_tour.py BASE_URL KEY MODEL TOOL_MODEL
"""

from __future__ import annotations

import json
import sys
from typing import Any

import anthropic

BASE, KEY, MODEL, TOOL_MODEL = sys.argv[1:5]
HELLO: Any = [{"role": "user", "content": "Hello there"}]
WEATHER: Any = {
    "name": "weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


def client(key: str = KEY) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=BASE, api_key=key, max_retries=0)


def message() -> object:
    said = client().messages.create(model=MODEL, max_tokens=100, system="Be brief.", messages=HELLO)
    text = "".join(block.text for block in said.content if block.type == "text")
    return [text, said.stop_reason, said.role, said.type, said.usage.output_tokens > 0]


def stream() -> object:
    with client().messages.stream(model=MODEL, max_tokens=100, messages=HELLO) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    return [text, final.stop_reason, final.usage.input_tokens > 0, final.usage.output_tokens > 0]


def raw_stream() -> object:
    kinds = [event.type for event in client().messages.create(model=MODEL, max_tokens=9, messages=HELLO, stream=True)]
    return [kinds[:2], kinds[-3:]]


def tools() -> object:
    said = client().messages.create(model=TOOL_MODEL, max_tokens=100, messages=HELLO, tools=[WEATHER])
    calls = [block for block in said.content if block.type == "tool_use"]
    return [said.stop_reason, [call.name for call in calls], [type(call.input).__name__ for call in calls]]


def tools_stream() -> object:
    with client().messages.stream(model=TOOL_MODEL, max_tokens=100, messages=HELLO, tools=[WEATHER]) as stream:
        final = stream.get_final_message()
    return [final.stop_reason, [block.name for block in final.content if block.type == "tool_use"]]


def loop() -> object:
    """A whole turn with a tool: what is sent back must be understood."""
    first = client().messages.create(model=TOOL_MODEL, max_tokens=100, messages=HELLO, tools=[WEATHER])
    results: Any = [
        {"type": "tool_result", "tool_use_id": block.id, "content": "Rain"}
        for block in first.content
        if block.type == "tool_use"
    ]
    history: Any = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    said = client().messages.create(model=MODEL, max_tokens=100, messages=history, tools=[WEATHER])
    return [said.stop_reason, said.role]


def sampling() -> object:
    """Parameters that the newest SDK no longer has in its signature."""
    body = {"temperature": 0.5, "top_k": 5}
    said = client().messages.create(model=MODEL, max_tokens=100, messages=HELLO, extra_body=body)
    return [said.stop_reason]


def count() -> object:
    return [client().messages.count_tokens(model=MODEL, messages=HELLO).input_tokens > 0]


def models() -> object:
    listed = [model.id for model in client().models.list()]
    return [MODEL in listed, client().models.retrieve(MODEL).id, client().models.retrieve("echo/echo").id]


def error_of(act: Any) -> list[object]:
    try:
        act()
    except anthropic.APIStatusError as error:
        body: Any = error.body
        return [type(error).__name__, error.status_code, body["error"]["type"]]
    return ["nothing"]


def errors() -> object:
    def call(model: str, key: str = KEY, **more: Any) -> Any:
        return lambda: client(key).messages.create(model=model, max_tokens=9, **{"messages": HELLO, **more})

    return {
        "wrong key": error_of(call(MODEL, key="sk-wrong")),
        "no such model": error_of(call("no-such-model")),
        "bad type": error_of(call(MODEL, extra_body={"messages": "x"})),
        "rate limit": error_of(call("echo/echo-error")),
        "rate limit of a stream": error_of(call("echo/echo-error", stream=True)),
        "no such model to retrieve": error_of(lambda: client().models.retrieve("no/such/model")),
    }


TOUR = (message, stream, raw_stream, tools, tools_stream, loop, sampling, count, models, errors)
print(json.dumps({"version": anthropic.__version__, **{step.__name__: step() for step in TOUR}}))
