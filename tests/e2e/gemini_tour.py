"""What a program does with the official Google SDK, whichever its version: run by test_genai_sdk.py, prints JSON.

python gemini_tour.py BASE_URL KEY MODEL TOOL_MODEL
"""

from __future__ import annotations

import json
import sys
from functools import cache
from importlib.metadata import version
from typing import Any

from google import genai
from google.genai import errors as sdk_errors
from google.genai import types

BASE, KEY, MODEL, TOOL_MODEL = sys.argv[1:5]
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="The weather of a city",
            parameters=types.Schema(type=types.Type.OBJECT, properties={"city": types.Schema(type=types.Type.STRING)}),
        )
    ]
)


@cache
def client(key: str = KEY) -> genai.Client:
    """Kept: a client that nobody holds closes its connections under a running call."""
    return genai.Client(api_key=key, vertexai=False, http_options=types.HttpOptions(base_url=BASE))


def config(**more: Any) -> types.GenerateContentConfig:
    return types.GenerateContentConfig(automatic_function_calling={"disable": True}, **more)  # type: ignore[arg-type]


def generate() -> object:
    said = client().models.generate_content(
        model=MODEL, contents="Hello there", config=config(system_instruction="Be brief.", temperature=0.5)
    )
    usage = said.usage_metadata
    reason = said.candidates[0].finish_reason if said.candidates else None
    return [said.text, reason and reason.name, bool(usage and usage.candidates_token_count)]


def stream() -> object:
    chunks = list(client().models.generate_content_stream(model=MODEL, contents="Hello there"))
    last = chunks[-1]
    reason = last.candidates[0].finish_reason if last.candidates else None
    text = "".join(chunk.text or "" for chunk in chunks)
    return [text, reason and reason.name, last.usage_metadata is not None, len(chunks) > 1]


def tools() -> object:
    said = client().models.generate_content(model=TOOL_MODEL, contents="Hello", config=config(tools=[WEATHER]))
    return [
        [call.name for call in said.function_calls or []],
        [type(c.args).__name__ for c in said.function_calls or []],
    ]


def tools_stream() -> object:
    names = []
    asked = config(tools=[WEATHER])
    for chunk in client().models.generate_content_stream(model=TOOL_MODEL, contents="Hello", config=asked):
        names += [call.name for call in chunk.function_calls or []]
    return names


def loop() -> object:
    """A whole turn with a tool: what is sent back must be understood."""
    first = client().models.generate_content(model=TOOL_MODEL, contents="Hello", config=config(tools=[WEATHER]))
    [call] = first.function_calls or []
    answer = types.Part.from_function_response(name=call.name or "", response={"result": "Rain"})
    assert first.candidates
    assert first.candidates[0].content
    history: Any = [
        types.Content(role="user", parts=[types.Part.from_text(text="Hello")]),
        first.candidates[0].content,
        types.Content(role="user", parts=[answer]),
    ]
    said = client().models.generate_content(model=MODEL, contents=history, config=config(tools=[WEATHER]))
    reason = said.candidates[0].finish_reason if said.candidates else None
    return [reason and reason.name]


def chat() -> object:
    talk = client().chats.create(model=MODEL)
    return [talk.send_message("Hello there").text, talk.send_message("Once more").text]


def count() -> object:
    return [bool(client().models.count_tokens(model=MODEL, contents="Hello there").total_tokens)]


def models() -> object:
    listed = [model.name for model in client().models.list()]
    return [
        "models/" + MODEL in listed,
        client().models.get(model=MODEL).name,
        client().models.get(model="echo/echo").name,
    ]


def error_of(act: Any) -> list[object]:
    try:
        act()
    except sdk_errors.APIError as error:
        return [type(error).__name__, error.code, error.status]
    return ["nothing"]


def errors() -> object:
    def call(model: str, key: str = KEY) -> Any:
        return lambda: client(key).models.generate_content(model=model, contents="Hello")

    return {
        "wrong key": error_of(call(MODEL, key="sk-wrong")),
        "no such model": error_of(call("no-such-model")),
        "rate limit": error_of(call("echo/echo-error")),
        "rate limit of a stream": error_of(
            lambda: list(client().models.generate_content_stream(model="echo/echo-error", contents="Hello"))
        ),
        "no such model to get": error_of(lambda: client().models.get(model="no/such/model")),
    }


TOUR = (generate, stream, tools, tools_stream, loop, chat, count, models, errors)
print(json.dumps({"version": version("google-genai"), **{step.__name__: step() for step in TOUR}}))
