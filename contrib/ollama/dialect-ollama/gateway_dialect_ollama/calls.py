"""A client's body to a Call, of either path. Source: Ollama, `api/types.go`: ChatRequest, GenerateRequest."""

from __future__ import annotations

from gateway import BadCall, Block, Call, Inbound, Message, Text
from gateway.wire import jsontext
from gateway.wire.members import FLAG, TEXT, Members, parsed

from . import messages, options, tools
from .messages import MessageReader
from .names import GENERATE, NAME


def decode(inbound: Inbound) -> Call:
    """Raises BadCall with the path of what is wrong."""
    fields = Members(parsed(inbound.body))
    model = fields.take("model", TEXT) or ""
    asked = _prompt(fields) if inbound.operation.path == GENERATE else _conversation(fields)
    sampling, limits = options.sampling(fields)
    return Call(
        model=model,
        messages=asked,
        tools=tools.read(fields),
        sampling=sampling,
        limits=limits,
        output_format=options.output_format(fields),
        reasoning=options.thinking(fields),
        stream=fields.take("stream", FLAG) is not False,
        stream_usage=True,
        dialect=NAME,
        extra=fields.given(),
    )


def _conversation(fields: Members) -> list[Message]:
    reader, path = MessageReader(), fields.at("messages")
    found = [reader.read(at, Members.of(raw, f"{path}[{at}]")) for at, raw in enumerate(fields.array("messages"))]
    if not found:
        raise _nothing("messages")
    return found


def _prompt(fields: Members) -> list[Message]:
    """`system` beside the prompt, as a message before it."""
    system, prompt = fields.take("system", TEXT), fields.take("prompt", TEXT)
    if not prompt:
        raise _nothing("prompt")
    fields.put("content", jsontext.raw(prompt))
    blocks: list[Block] = [*messages.said(fields)]
    before = [Message("system", [Text(system)])] if system else []
    return [*before, Message("user", blocks)]


def _nothing(member: str) -> BadCall:
    what = f"`{member}` is empty. That loads a model, or unloads it, and this one is not run by Ollama."
    return BadCall(what, code="missing_required_parameter", param=member)
