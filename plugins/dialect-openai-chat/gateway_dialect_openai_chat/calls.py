"""A client's body to a Call. Source: openai-python's CompletionCreateParams."""

from __future__ import annotations

from gateway import BadCall, Call, Limits, ReasoningOptions, Sampling, State
from gateway.wire import jsontext
from gateway.wire.members import FLAG, INTEGER, NUMBER, TEXT, Kind

from .fields import OBJECTS, Fields, parse
from .messages import MessageReader
from .proofs import NAME
from .tools import choice, output_format, tools

_TEXTS = Kind(list[str], "a string or a list of strings")
_METADATA = Kind(dict[str, str], "an object of strings")


def decode(body: bytes, asks: bool = False) -> Call:
    """Raises BadCall with the path of what is wrong. Members that are not OpenAI's ride in `extra`. asks: whether the
    client can be asked to approve of calls.
    """
    fields = parse(body)
    reader = MessageReader()
    messages = fields.need("messages", OBJECTS)
    if not messages:
        raise BadCall(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            code="empty_array",
            param="messages",
        )
    usage = _stream_usage(fields)
    read = (reader.read(at, Fields(members, f"messages[{at}]")) for at, members in enumerate(messages))
    said = [message for message in read if message is not None]
    return Call(
        model=fields.take("model", TEXT) or "",
        messages=said,
        tools=tools(fields),
        tool_choice=choice(fields),
        parallel_tool_calls=fields.take("parallel_tool_calls", FLAG),
        sampling=_sampling(fields),
        limits=Limits(max_output=_max_output(fields)),
        output_format=output_format(fields),
        reasoning=_reasoning(fields),
        verbosity=fields.take("verbosity", TEXT),
        stream=fields.take("stream", FLAG) or False,
        stream_usage=usage,
        state=State(store=fields.take("store", FLAG)),
        metadata=fields.take("metadata", _METADATA) or {},
        user=fields.take("user", TEXT),
        safety_identifier=fields.take("safety_identifier", TEXT),
        prompt_cache_key=fields.take("prompt_cache_key", TEXT),
        service_tier=fields.take("service_tier", TEXT),
        asks=asks,
        approvals=reader.approvals,
        dialect=NAME,
        extra=fields.rest(),
    )


def _sampling(fields: Fields) -> Sampling:
    """`top_k` is not OpenAI's, but many servers of its dialect take it."""
    return Sampling(
        temperature=fields.take("temperature", NUMBER),
        top_p=fields.take("top_p", NUMBER),
        top_k=fields.take("top_k", INTEGER),
        frequency_penalty=fields.take("frequency_penalty", NUMBER),
        presence_penalty=fields.take("presence_penalty", NUMBER),
        seed=fields.take("seed", INTEGER),
        stop=_stop(fields),
        logit_bias=fields.raw("logit_bias"),
        choices=fields.take("n", INTEGER),
        logprobs=fields.take("logprobs", FLAG),
        top_logprobs=fields.take("top_logprobs", INTEGER),
    )


def _stop(fields: Fields) -> tuple[str, ...]:
    value = fields.raw("stop")
    if value is None:
        return ()
    if bytes(value)[:1] == b'"':
        return (TEXT.read(value, fields.at("stop")),)
    return tuple(_TEXTS.read(value, fields.at("stop")))


def _max_output(fields: Fields) -> int | None:
    newer, older = fields.take("max_completion_tokens", INTEGER), fields.take("max_tokens", INTEGER)
    return older if newer is None else newer


def _reasoning(fields: Fields) -> ReasoningOptions:
    """`reasoning_effort`, or OpenRouter's `reasoning`, of which the rest stays where it was."""
    found = ReasoningOptions(effort=fields.take("reasoning_effort", TEXT))
    held = fields.seen("reasoning")
    if held is None or jsontext.first(held) != b"{" or found.effort is not None:
        return found
    members = Fields.of(held, fields.at("reasoning"))
    found.effort, found.budget = members.take("effort", TEXT), members.take("max_tokens", INTEGER)
    found.summary = "none" if members.take("exclude", FLAG) else None
    if found.effort is None and found.budget is None and (enabled := members.take("enabled", FLAG)) is not None:
        found.budget = -1 if enabled else 0
    fields.raw("reasoning")
    if rest := members.others():
        fields.put("reasoning", jsontext.raw(rest))
    return found


def _stream_usage(fields: Fields) -> bool:
    """`stream_options.include_usage`; the other options stay where they were."""
    options = fields.inner("stream_options")
    if options is None:
        return False
    usage = options.take("include_usage", FLAG) or False
    if rest := options.rest():
        fields.put("stream_options", jsontext.raw(rest))
    return usage
