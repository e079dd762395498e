"""What a program does with the official OpenAI SDK, whichever its version: run by test_openai_sdk.py, prints JSON.

python sdk_tour.py BASE_URL KEY MODEL TOOL_MODEL
"""

from __future__ import annotations

import json
import sys
from typing import Any

import openai

BASE, KEY, MODEL, TOOL_MODEL = sys.argv[1:5]
HELLO: Any = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello there"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def client(key: str = KEY) -> openai.OpenAI:
    return openai.OpenAI(base_url=BASE, api_key=key, max_retries=0)


def chat() -> object:
    said = client().chat.completions.create(model=MODEL, messages=HELLO)
    return [said.choices[0].message.content, said.choices[0].finish_reason, said.usage is not None]


def chat_stream() -> object:
    chunks = list(
        client().chat.completions.create(
            model=MODEL, messages=HELLO, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return [text, chunks[-1].usage is not None, len({chunk.id for chunk in chunks})]


def chat_tools() -> object:
    said = client().chat.completions.create(model=TOOL_MODEL, messages=HELLO, tools=[WEATHER])
    calls = said.choices[0].message.tool_calls or []
    return [said.choices[0].finish_reason, [call.function.name for call in calls]]  # type: ignore[union-attr]


def chat_tools_stream() -> object:
    calls: dict[int, dict[str, str]] = {}
    for chunk in client().chat.completions.create(model=TOOL_MODEL, messages=HELLO, tools=[WEATHER], stream=True):
        for piece in (chunk.choices[0].delta.tool_calls or []) if chunk.choices else []:
            call = calls.setdefault(piece.index, {"name": "", "arguments": ""})
            call["name"] += (piece.function and piece.function.name) or ""
            call["arguments"] += (piece.function and piece.function.arguments) or ""
    return [sorted(calls), [call["name"] for call in calls.values()]]


def responses() -> object:
    said = client().responses.create(model=MODEL, input="Hello there", instructions="Be brief.", metadata={"a": "b"})
    return [said.output_text, said.status, said.instructions, said.metadata, said.usage is not None]


def responses_stream() -> object:
    kinds: list[str] = []
    text = ""
    final = None
    for event in client().responses.create(model=MODEL, input="Hello there", stream=True):
        kinds.append(event.type)
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.completed":
            final = event.response.output_text
    return [kinds[:2], kinds[-1], text, final]


def responses_tools() -> object:
    tool: Any = {"type": "function", "name": "weather", "parameters": {"type": "object"}, "strict": False}
    said = client().responses.create(model=TOOL_MODEL, input="Hello", tools=[tool])
    return [[item.type, getattr(item, "name", "")] for item in said.output]


def models() -> object:
    listed = [model.id for model in client().models.list()]
    return [MODEL in listed, client().models.retrieve(MODEL).id, client().models.retrieve("echo/echo").id]


def error_of(act: Any) -> list[object]:
    try:
        act()
    except openai.APIStatusError as error:
        return [type(error).__name__, error.status_code, error.code]
    return ["nothing"]


def errors() -> object:
    def call(model: str, key: str = KEY, **more: Any) -> Any:
        return lambda: client(key).chat.completions.create(model=model, messages=HELLO, **more)

    return {
        "wrong key": error_of(call(MODEL, key="sk-wrong")),
        "no such model": error_of(call("no-such-model")),
        "bad type": error_of(call(MODEL, extra_body={"messages": "x"})),
        "rate limit": error_of(call("echo/echo-error")),
        "rate limit of a stream": error_of(call("echo/echo-error", stream=True)),
        "no such response model": error_of(lambda: client().responses.create(model="nothing", input="x")),
        "no such model to retrieve": error_of(lambda: client().models.retrieve("no/such/model")),
    }


TOUR = (chat, chat_stream, chat_tools, chat_tools_stream, responses, responses_stream, responses_tools, models, errors)
print(json.dumps({"version": openai.__version__, **{step.__name__: step() for step in TOUR}}))
