"""A Call to an upstream's body, and what of it has no place there."""

from __future__ import annotations

import msgspec
from msgspec import Raw, UnsetType

from gateway import Call, Encoded, Extra, OutputFormat, Target, Tool, ToolChoice
from gateway.wire import efforts
from gateway.wire.jsontext import raw

from .decode_call import ENCRYPTED, LOGPROBS, GrammarFormat
from .encode_items import ItemWriter
from .members import NAME, spliced

PATH = "/responses"
LEAST_OUTPUT = 16
EMPTY = Raw(b"{}")

_NAMES = msgspec.json.Decoder(list[str])
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


class _Tool(msgspec.Struct, omit_defaults=True):
    type: str
    name: str
    description: str | None = None
    parameters: Raw | UnsetType = msgspec.UNSET
    strict: bool | None = None
    format: GrammarFormat | None = None


class _Choice(msgspec.Struct):
    type: str
    name: str


class _Allowed(msgspec.Struct, tag="allowed_tools"):
    mode: str
    tools: list[_Choice]


class _Schema(msgspec.Struct, tag="json_schema", omit_defaults=True):
    name: str
    schema: Raw | UnsetType = msgspec.UNSET
    description: str | None = None
    strict: bool | None = None


class _Kind(msgspec.Struct):
    type: str


def encode_call(call: Call, target: Target) -> Encoded:
    """Members of another dialect are loss; those of ours are written again."""
    own = call.dialect == NAME
    extra = call.extra if own else {}
    writer = ItemWriter(own, target)
    body: Extra = {"model": raw(target.model)}
    _put(body, "instructions", "\n\n".join(text.text for text in call.system) or None)
    writer.loss += [f"system[{n}].{name}" for n, text in enumerate(call.system) for name in text.extra]
    body["input"] = raw(writer.write(call.messages))
    tools = [_tool(tool, own, n, writer.loss) for n, tool in enumerate(call.tools)]
    _put(body, "tools", [tool for tool in tools if tool is not None] or None)
    _put(body, "tool_choice", _tool_choice(call.tool_choice, call.tools))
    _put(body, "parallel_tool_calls", call.parallel_tool_calls)
    _output(body, call, extra)
    _sampling(body, call, own, writer.loss)
    _state(body, call, own)
    _account(body, call)
    body |= {name: value for name, value in extra.items() if name not in body}
    body |= target.set
    for name in target.drop:
        body.pop(name, None)
    loss = (*_unsaid(call), *writer.loss, *(() if own else call.extra))
    return Encoded(PATH, msgspec.json.encode(body), loss=tuple(dict.fromkeys(loss)))


def _put(body: Extra, name: str, value: object) -> None:
    if value is not None:
        body[name] = raw(value)


def _unsaid(call: Call) -> tuple[str, ...]:
    """Parameters that Responses has no member for."""
    sampling = call.sampling
    given = {
        "stop": bool(sampling.stop),
        "n": (sampling.choices or 1) > 1,
        "seed": sampling.seed is not None,
        "logit_bias": sampling.logit_bias is not None,
        "top_k": sampling.top_k is not None,
        "reasoning_budget": efforts.is_lost(call.reasoning),
    }
    return tuple(name for name, said in given.items() if said)


def _tool(tool: Tool, own: bool, n: int, loss: list[str]) -> Raw | None:
    extra = tool.extra if own else {}
    if not own:
        loss += [f"tools[{n}].{name}" for name in tool.extra] if tool.kind != "hosted" else [f"tools[{n}]"]
    if tool.kind == "hosted":
        return raw(extra) if own else None
    # OpenAI takes an absent `strict` for true; everyone else's default is false.
    strict = tool.strict if tool.strict is not None or own or tool.kind == "custom" else False
    parameters = msgspec.UNSET if tool.parameters is None else tool.parameters
    grammar = None if tool.grammar is None else GrammarFormat(tool.grammar.syntax, tool.grammar.definition)
    return spliced(_Tool(tool.kind, tool.name, tool.description, parameters, strict, grammar), extra)


def _tool_choice(choice: ToolChoice | None, declared: list[Tool]) -> str | _Choice | _Allowed | None:
    """What sort of tool a name stands for, its declaration says."""
    if choice is None or choice.mode not in ("tool", "allowed"):
        return None if choice is None else choice.mode
    custom = {tool.name for tool in declared if tool.kind == "custom"}
    named = [
        _Choice("custom" if choice.kind == "custom" or name in custom else "function", name) for name in choice.names
    ]
    return named[0] if choice.mode == "tool" else _Allowed("required" if choice.required else "auto", named)


def _output(body: Extra, call: Call, extra: Extra) -> None:
    """`text` and `reasoning`: our members and those of the client that we do not know, in one object."""
    text: Extra = {}
    if call.output_format is not None:
        text["format"] = raw(_format(call.output_format))
    _put(text, "verbosity", call.verbosity)
    reasoning: Extra = {}
    _put(reasoning, "effort", efforts.effort_of(call.reasoning))
    _put(reasoning, "summary", call.reasoning.summary)
    for name, known in (("text", text), ("reasoning", reasoning)):
        for member, value in _OBJECT.decode(extra.get(name, EMPTY)).items():
            both = member == "format" and member in known
            known[member] = raw(_OBJECT.decode(known[member]) | _OBJECT.decode(value)) if both else value
        if known:
            body[name] = raw(known)


def _format(shape: OutputFormat) -> _Kind | _Schema:
    if shape.kind == "text":
        return _Kind("text")
    if shape.kind == "json":
        return _Kind("json_object")
    schema = msgspec.UNSET if shape.schema is None else shape.schema
    return _Schema(shape.name or "output", schema, shape.description, shape.strict)


def _sampling(body: Extra, call: Call, own: bool, loss: list[str]) -> None:
    sampling, limits = call.sampling, call.limits
    # Penalties are in the specification, though OpenAI itself refuses them.
    for name in ("temperature", "top_p", "presence_penalty", "frequency_penalty", "top_logprobs"):
        _put(body, name, getattr(sampling, name))
    included = _NAMES.decode(call.extra["include"]) if own and "include" in call.extra else []
    # Without it some give no proof to those who store nothing; models that do not think refuse it.
    if call.reasoning.proof or (not own and efforts.effort_of(call.reasoning) not in (None, "none")):
        included.append(ENCRYPTED)
    if sampling.logprobs:
        included.append(LOGPROBS)
    _put(body, "include", included or None)
    _put(body, "max_output_tokens", _most_output(limits.max_output, own, loss))
    _put(body, "max_tool_calls", limits.max_tool_calls)
    _put(body, "truncation", limits.truncation)


def _most_output(most: int | None, own: bool, loss: list[str]) -> int | None:
    """Responses refuses fewer than 16 tokens; other dialects do not."""
    if most is None or own or most >= LEAST_OUTPUT:
        return most
    loss.append("max_output_tokens")
    return LEAST_OUTPUT


def _state(body: Extra, call: Call, own: bool) -> None:
    state = call.state
    _put(body, "previous_response_id", state.previous_response_id)
    _put(body, "conversation", state.conversation)
    # Only in Responses does the absence of `store` mean that the upstream keeps the call.
    _put(body, "store", state.store if state.store is not None or own else False)
    _put(body, "background", state.background)


def _account(body: Extra, call: Call) -> None:
    _put(body, "metadata", call.metadata or None)
    for name in ("user", "safety_identifier", "prompt_cache_key", "service_tier"):
        _put(body, name, getattr(call, name))
    if call.stream:
        body["stream"] = raw(True)
