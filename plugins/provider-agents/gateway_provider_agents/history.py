"""History: a client's conversation with what it was not told put back, and tools by the names that the model knows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from gateway import Conflict, Message, ToolCall, ToolResult

from .toolbox import Toolbox

_MARKED = re.compile(r"call_gwt([0-9a-f]{24})_\d{1,4}")
_STRANGE = re.compile(r"[^A-Za-z0-9_-]")
Turns = Mapping[str, Sequence[Message]]


def marked(token: str, number: int) -> str:
    """The id of a client's call: it says that there is more to its turn than the client has."""
    return f"call_gwt{token}_{number}"


def token_of(message: Message) -> str | None:
    for block in message.blocks:
        if isinstance(block, ToolCall) and (found := _MARKED.fullmatch(block.id)) is not None:
            return found[1]
    return None


def tokens_in(messages: Sequence[Message]) -> list[str]:
    return list(dict.fromkeys(token for message in messages if (token := token_of(message)) is not None))


def put_back(messages: Sequence[Message], turns: Turns) -> list[Message]:
    """With each turn of which the client has a part in its place. Raises Conflict where the one that the client answers
    is not there any more; of older ones the client's part is enough.
    """
    out: list[Message] = []
    last = max((at for at, message in enumerate(messages) if message.role == "user"), default=-1)
    for at, message in enumerate(messages):
        token = token_of(message) if message.role == "assistant" else None
        if token is None:
            out.append(message)
        elif (turn := turns.get(token)) is not None:
            _drop_part(out, turn)
            out += turn
        elif at > last:
            raise Conflict(
                "The results of the gateway's own tools for this turn are not kept any more. Send the conversation "
                "up to its last user message, without the calls behind it; the turn is then made anew.",
                code="turn_expired",
                param="messages",
            )
        else:
            out.append(message)
    return _without_doubles(out)


def named(message: Message, toolbox: Toolbox) -> Message:
    """What clients were shown as tools of a server's, as the model called them."""
    if not any(isinstance(block, ToolCall) and block.executor == "gateway" for block in message.blocks):
        return message
    blocks = [_named(block, toolbox) if isinstance(block, ToolCall) else block for block in message.blocks]
    return msgspec.structs.replace(message, blocks=blocks)


def _named(call: ToolCall, toolbox: Toolbox) -> ToolCall:
    if call.executor != "gateway":
        return call
    name = toolbox.name_of(call.server, call.name) or _STRANGE.sub("_", call.name)[:64] or "tool"
    return msgspec.structs.replace(call, name=name, executor="client", server="")


def _drop_part(out: list[Message], turn: Sequence[Message]) -> None:
    """What the client has of the turn, before the message that it answers."""
    ours = _results(turn)
    while out and (out[-1].role == "assistant" or (out[-1].role == "tool" and _results(out[-1:]) <= ours)):
        out.pop()


def _results(messages: Sequence[Message]) -> set[str]:
    return {block.call_id for message in messages for block in message.blocks if isinstance(block, ToolResult)}


def _without_doubles(messages: Sequence[Message]) -> list[Message]:
    """Results of one turn in one message, each once: the client may have some of those that were put back, too."""
    out: list[Message] = []
    for message in messages:
        if not (out and out[-1].role == message.role == "tool"):
            out.append(message)
            continue
        there = _results(out[-1:])
        more = [block for block in message.blocks if not isinstance(block, ToolResult) or block.call_id not in there]
        out[-1] = msgspec.structs.replace(out[-1], blocks=[*out[-1].blocks, *more])
    return out
