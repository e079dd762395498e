"""History: a client's conversation with what it was not told put back, and tools by the names that the model knows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import msgspec

from gateway import Conflict, Message, ToolCall, ToolResult
from gateway.wire.rounds import made

from .toolbox import Toolbox

_MARKED = re.compile(r"call_gwt([0-9a-f]{24})_(a?)\d{1,4}")
_STRANGE = re.compile(r"[^A-Za-z0-9_-]")
Turns = Mapping[str, Sequence[Message]]


def marked(token: str, number: int, asked: bool = False) -> str:
    """The id of a call that the client answers: it says that there is more to its turn than the client has. asked: it
    is the gateway's, and a person is asked about it.
    """
    return f"call_gwt{token}_{'a' if asked else ''}{number}"


def token_in(call_id: str) -> str:
    """ "" where there is none."""
    found = _MARKED.fullmatch(call_id)
    return found[1] if found is not None else ""


def is_asked(call_id: str) -> bool:
    found = _MARKED.fullmatch(call_id)
    return found is not None and bool(found[2])


def token_of(message: Message) -> str | None:
    """Of the turn that the message is the client's part of; one that was asked about and made is part of the next."""
    for block in message.blocks:
        if isinstance(block, ToolCall) and (token := token_in(block.id)) and not _was_made(block):
            return token
    return None


def tokens_in(messages: Sequence[Message]) -> list[str]:
    return list(dict.fromkeys(token for message in messages if (token := token_of(message)) is not None))


def put_back(messages: Sequence[Message], turns: Turns, answered: Collection[str] = ()) -> list[Message]:
    """With each turn of which the client has a part in its place. Raises Conflict where the one that the client answers
    is not there any more; of older ones the client's part is enough. answered: tokens of turns that it answers,
    whatever else it says.
    """
    out: list[Message] = []
    back: set[str] = set()
    last = max((at for at, message in enumerate(messages) if message.role == "user"), default=-1)
    for at, message in enumerate(messages):
        token = token_of(message) if message.role == "assistant" else None
        if token is None:
            out += _without_made(message, back)
        elif (turn := turns.get(token)) is not None:
            _drop_part(out, turn)
            out += turn
            back.add(token)
        elif at > last or token in answered:
            raise Conflict(
                "The results of the gateway's own tools for this turn are not kept any more. Send the conversation "
                "up to its last user message, without the calls behind it; the turn is then made anew.",
                code="turn_expired",
                param="messages",
            )
        else:
            out += made([message])
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


def _was_made(call: ToolCall) -> bool:
    return call.executor == "gateway" and call.approval != "asked"


def _without_made(message: Message, back: Collection[str]) -> list[Message]:
    """Calls that were asked about are where the model wrote them, in turns that are back; there are results behind."""
    left = [block for block in message.blocks if not (isinstance(block, ToolCall) and token_in(block.id) in back)]
    if len(left) == len(message.blocks):
        return [message]
    return [msgspec.structs.replace(message, blocks=left)] if left else []


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
