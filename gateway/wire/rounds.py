"""Tools that the gateway ran for a reply: how they are named to clients, and what clients send back of them.

A reply holds calls and their results among its texts. As a conversation it was several turns, each with the results of
its calls behind it, which is what upstreams take.
"""

from __future__ import annotations

import hashlib
import re

import msgspec

from ..call import Block, Message, ToolCall, ToolResult

_ID = re.compile(r"[A-Za-z0-9_-]{1,48}")
_MARK = "gw_"


def shown(prefix: str, call_id: str) -> str:
    """A call's id for clients: it says that the call was ours. One that dialects cannot write becomes a digest."""
    name = call_id if _ID.fullmatch(call_id) else hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:32]
    return f"{prefix}_{_MARK}{name}"


def ours(prefix: str, name: str) -> str | None:
    """The call's id that `shown` wrote; None for what is another's."""
    start = f"{prefix}_{_MARK}"
    return name[len(start) :] if name.startswith(start) else None


def apart(message: Message) -> list[Message]:
    """An assistant's message as the turns that it was. A client's own call may stand behind results of its turn."""
    if message.role != "assistant" or not any(isinstance(block, ToolResult) for block in message.blocks):
        return [message]
    turns: list[Message] = []
    said: list[Block] = []
    results: list[Block] = []
    for block in message.blocks:
        if isinstance(block, ToolResult):
            results.append(block)
            continue
        if results and not (isinstance(block, ToolCall) and block.executor == "client"):
            turns += _turn(message, said, results)
            said, results = [], []
        said.append(block)
    return turns + _turn(message, said, results)


def _turn(message: Message, said: list[Block], results: list[Block]) -> list[Message]:
    turn = [msgspec.structs.replace(message, blocks=said)] if said else []
    return [*turn, Message("tool", results)] if results else turn
