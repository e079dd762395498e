"""Features of calls: a call that has one, and where in the call it is looked for afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Raw

from ..call import (
    Audio,
    Block,
    Call,
    File,
    Grammar,
    Image,
    Limits,
    Message,
    OutputFormat,
    ReasoningOptions,
    Sampling,
    State,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PAGE = "JVBERi0xLjQKJSVFT0YK"
SOUND = "UklGRgAAAABXQVZF"
SCHEMA = Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}')


class Asked(msgspec.Struct, frozen=True):
    """make: puts the feature into a plain call. found: what must be the same afterwards."""

    name: str
    make: Callable[[Call], None]
    found: Callable[[Call], Any]


def plain() -> Call:
    return Call("m", [Message("user", [Text("Hi")])])


def weather(**more: Any) -> Tool:
    return Tool("weather", "Of a city", SCHEMA, **more)


def _set(*path: str, value: object) -> Callable[[Call], None]:
    def make(call: Call) -> None:
        holder: Any = call
        for name in path[:-1]:
            holder = getattr(holder, name)
        setattr(holder, path[-1], value)

    return make


def _get(*path: str) -> Callable[[Call], Any]:
    def found(call: Call) -> Any:
        held: Any = call
        for name in path:
            held = getattr(held, name, None)
        return msgspec.json.decode(held) if isinstance(held, Raw) else held

    return found


def _member(name: str, *path: str, value: object) -> Asked:
    return Asked(name, _set(*path, value=value), _get(*path))


def _said(*blocks: Block) -> Callable[[Call], None]:
    def make(call: Call) -> None:
        call.messages[0].blocks.extend(blocks)

    return make


def _blocks(kind: type, *names: str) -> Callable[[Call], Any]:
    """Members of the blocks of one kind, results' own blocks included."""

    def found(call: Call) -> Any:
        flat: list[Any] = []
        for message in call.messages:
            for block in message.blocks:
                flat.append(block)
                flat += block.blocks if isinstance(block, ToolResult) else []
        return [tuple(getattr(block, name) for name in names) for block in flat if isinstance(block, kind)]

    return found


def _tools(**more: Any) -> Callable[[Call], None]:
    def make(call: Call) -> None:
        call.tools = [weather(), Tool("time", None, SCHEMA)]
        for name, value in more.items():
            setattr(call, name, value)

    return make


def _loop(*results: Text | Image, is_error: bool = False) -> Callable[[Call], None]:
    def make(call: Call) -> None:
        _tools()(call)
        called = [ToolCall("call_1", "weather", '{"city":"Ulm"}'), ToolCall("call_2", "weather", '{"city":"Bonn"}')]
        call.messages += [
            Message("assistant", [Text("I look."), *called]),
            Message("tool", [ToolResult("call_1", list(results), is_error), ToolResult("call_2", [Text("Sun")])]),
        ]

    return make


def _custom(call: Call) -> None:
    call.tools = [Tool("sql", "Runs SQL", kind="custom")]


def _grammar(call: Call) -> None:
    call.tools = [Tool("sql", "Runs SQL", kind="custom", grammar=Grammar("lark", 'start: "SELECT"'))]


def _some_of_three(call: Call) -> None:
    _tools(tool_choice=ToolChoice("allowed", ("weather", "time"), True))(call)
    call.tools.append(Tool("place", None, SCHEMA))


def _strict(call: Call) -> None:
    call.tools = [weather(strict=True)]


def _middle(call: Call) -> None:
    call.messages += [
        Message("assistant", [Text("Hello")]),
        Message("system", [Text("Be brief.")]),
        Message("user", [Text("Go on")]),
    ]


def _roles(call: Call) -> Any:
    return [message.role for message in call.messages]


def _choice(call: Call) -> Any:
    choice = call.tool_choice
    return choice and (choice.mode, choice.names, choice.required)


def _declared(call: Call) -> Any:
    return [(t.name, t.description, t.parameters and msgspec.json.decode(t.parameters), t.kind) for t in call.tools]


def _results(call: Call) -> Any:
    return [
        (block.call_id, [part.text for part in block.blocks if isinstance(part, Text)])
        for message in call.messages
        for block in message.blocks
        if isinstance(block, ToolResult)
    ]


def _schema(call: Call) -> Any:
    """Its title aside, in which a dialect that has no place for the format's name keeps that."""
    schema = _get("output_format", "schema")(call)
    return schema and {name: value for name, value in schema.items() if name != "title"}


def _thinking(call: Call) -> Any:
    """How much, in either measure; -1 is as much as the model likes."""
    effort, budget = call.reasoning.effort, call.reasoning.budget
    return effort if budget in (None, -1) else budget


def _failures(call: Call) -> Any:
    blocks = [block for message in call.messages for block in message.blocks]
    return [block.call_id for block in blocks if isinstance(block, ToolResult) and block.is_error]


def _system(call: Call) -> Any:
    return [text.text for text in call.system] + [
        block.text
        for message in call.messages
        if message.role in ("system", "developer")
        for block in message.blocks
        if isinstance(block, Text)
    ]


FEATURES = (
    Asked("text", lambda call: None, _blocks(Text, "text")),
    Asked("system text", _set("system", value=[Text("Be kind.")]), _system),
    Asked("system text in mid-conversation", _middle, _roles),
    Asked("image, by URL", _said(Image(url="https://example.com/a.png")), _blocks(Image, "url")),
    Asked("image, inline", _said(Image(data=PIXEL, media_type="image/png")), _blocks(Image, "data", "media_type")),
    Asked("image detail", _said(Image(data=PIXEL, media_type="image/png", detail="low")), _blocks(Image, "detail")),
    Asked(
        "document, inline",
        _said(File(data=PAGE, media_type="application/pdf", filename="a.pdf")),
        _blocks(File, "data", "media_type"),
    ),
    Asked(
        "document, by URL",
        _said(File(url="https://example.com/a.pdf", media_type="application/pdf")),
        _blocks(File, "url"),
    ),
    Asked("uploaded file", _said(File(file_id="file-1")), _blocks(File, "file_id")),
    Asked("audio", _said(Audio(data=SOUND, format="wav")), _blocks(Audio, "data", "format")),
    Asked("tools", _tools(), _declared),
    Asked("strict tools", _strict, lambda call: [tool.strict for tool in call.tools]),
    Asked("free-form tools", _custom, lambda call: [(tool.name, tool.kind) for tool in call.tools]),
    Asked("free-form tools' grammar", _grammar, lambda call: [tool.grammar for tool in call.tools]),
    Asked("tool choice: none", _tools(tool_choice=ToolChoice("none")), _choice),
    Asked("tool choice: any", _tools(tool_choice=ToolChoice("required")), _choice),
    Asked("tool choice: one", _tools(tool_choice=ToolChoice("tool", ("weather",))), _choice),
    Asked("tool choice: some of them", _some_of_three, _choice),
    Asked("no parallel calls", _tools(parallel_tool_calls=False), _get("parallel_tool_calls")),
    Asked("tool calls sent back", _loop(Text("Rain")), _blocks(ToolCall, "name", "arguments")),
    Asked("tool results", _loop(Text("Rain")), _results),
    Asked(
        "images in tool results",
        _loop(Text("Map"), Image(data=PIXEL, media_type="image/png")),
        _blocks(Image, "data"),
    ),
    Asked("failed tool results", _loop(Text("No"), is_error=True), _failures),
    _member("output limit", "limits", value=Limits(max_output=2000)),
    _member("temperature", "sampling", "temperature", value=0.5),
    _member("top_p", "sampling", "top_p", value=0.5),
    _member("top_k", "sampling", "top_k", value=5),
    Asked(
        "penalties",
        _set("sampling", value=Sampling(frequency_penalty=0.5, presence_penalty=0.5)),
        lambda call: (call.sampling.frequency_penalty, call.sampling.presence_penalty),
    ),
    _member("seed", "sampling", "seed", value=7),
    _member("stop strings", "sampling", "stop", value=("END",)),
    _member("logit bias", "sampling", "logit_bias", value=Raw(b'{"50256":-100}')),
    _member("several choices", "sampling", "choices", value=2),
    Asked(
        "log probabilities",
        _set("sampling", value=Sampling(logprobs=True, top_logprobs=3)),
        lambda call: (call.sampling.logprobs, call.sampling.top_logprobs),
    ),
    Asked(
        "JSON",
        _set("output_format", value=OutputFormat("json")),
        lambda call: call.output_format and call.output_format.kind,
    ),
    Asked(
        "JSON after a schema",
        _set("output_format", value=OutputFormat("schema", "answer", schema=SCHEMA)),
        _schema,
    ),
    Asked("reasoning effort", _set("reasoning", "effort", value="high"), _thinking),
    Asked("reasoning budget", _set("reasoning", value=ReasoningOptions(budget=2048)), _thinking),
    _member("verbosity", "verbosity", value="low"),
    _member("metadata", "metadata", value={"team": "blue"}),
    _member("end user", "user", value="u-1"),
    _member("cache key", "prompt_cache_key", value="k"),
    _member("service tier", "service_tier", value="flex"),
    Asked(
        "server-side state",
        _set("state", value=State(previous_response_id="resp_1")),
        _get("state", "previous_response_id"),
    ),
)
