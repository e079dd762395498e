"""Tools that were run for a reply, by the gateway or by its upstream: how they are named to clients, and what clients
send back of them.

A reply holds calls and their results among its texts. As a conversation it was several turns, each with the results of
its calls behind it, which is what upstreams take.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Literal, TypeGuard

import msgspec

from ..call import Block, Message, ToolCall, ToolResult

Ran = Literal["gateway", "upstream"]
_ID = re.compile(r"[A-Za-z0-9_-]{1,48}")
_MARKS: dict[Ran, str] = {"gateway": "gw_", "upstream": "gwu_"}


def shown(prefix: str, call_id: str, ran: str = "gateway") -> str:
    """A call's id for clients: it says who ran it. One that dialects cannot write becomes a digest."""
    name = call_id if _ID.fullmatch(call_id) else hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:32]
    return f"{prefix}_{_MARKS['upstream' if ran == 'upstream' else 'gateway']}{name}"


def ours(prefix: str, name: str) -> tuple[str, Ran] | None:
    """The call's id that `shown` wrote, and who ran it; None for what is another's."""
    for ran, mark in _MARKS.items():
        start = f"{prefix}_{mark}"
        if name.startswith(start):
            return name[len(start) :], ran
    return None


def apart(message: Message) -> list[Message]:
    """An assistant's message as the turns that it was, without calls of an upstream's whose results it never told. A
    client's own call, and one that is asked about, may stand behind results of its turn; not behind those of calls that
    were asked about, with which a reply begins.
    """
    if message.role != "assistant" or not any(isinstance(block, ToolCall | ToolResult) for block in message.blocks):
        return [message]
    blocks = list(_told(message.blocks))
    if not any(isinstance(block, ToolResult) for block in blocks):
        return [_with(message, blocks)] if blocks else []
    turns: list[Message] = []
    said: list[Block] = []
    results: list[Block] = []
    for block in blocks:
        if isinstance(block, ToolResult):
            results.append(block)
            continue
        if results and not (_stands_behind(block) and not any(_is_answered(one) for one in said)):
            turns += _turn(message, said, results)
            said, results = [], []
        said.append(block)
    return turns + _turn(message, said, results)


def made(messages: list[Message]) -> list[Message]:
    """Without the calls that a person was asked about, and the turns that were nothing else; what was made of them
    stands behind.
    """
    if not any(_is_asked(block) for message in messages for block in message.blocks):
        return messages
    left = [_with(message, [block for block in message.blocks if not _is_asked(block)]) for message in messages]
    return [now for before, now in zip(messages, left, strict=True) if now.blocks or not before.blocks]


def known(messages: list[Message], server: str) -> list[Message]:
    """Without the calls that this server ran itself, and their results: clients were shown them, and it is not told of
    them again.
    """
    ran = {block.id for message in messages for block in message.blocks if _is_of(block, server)}
    if not ran:
        return messages
    left = [_with(message, [one for one in message.blocks if _call_of(one) not in ran]) for message in messages]
    return [now for before, now in zip(messages, left, strict=True) if now.blocks or not before.blocks]


def _is_of(block: Block, server: str) -> TypeGuard[ToolCall]:
    return isinstance(block, ToolCall) and block.executor == "upstream" and block.server == server


def _call_of(block: Block) -> str:
    if isinstance(block, ToolCall):
        return block.id
    return block.call_id if isinstance(block, ToolResult) else ""


def _told(blocks: list[Block]) -> Iterable[Block]:
    told = {block.call_id for block in blocks if isinstance(block, ToolResult)}
    for block in blocks:
        if not (isinstance(block, ToolCall) and block.executor == "upstream" and block.id not in told):
            yield block


def _is_asked(block: Block) -> bool:
    return isinstance(block, ToolCall) and block.approval == "asked"


def _is_answered(block: Block) -> bool:
    return isinstance(block, ToolCall) and block.approval == "answered"


def _stands_behind(block: Block) -> bool:
    return isinstance(block, ToolCall) and (block.executor == "client" or block.approval == "asked")


def _with(message: Message, blocks: list[Block]) -> Message:
    return message if len(blocks) == len(message.blocks) else msgspec.structs.replace(message, blocks=blocks)


def _turn(message: Message, said: list[Block], results: list[Block]) -> list[Message]:
    turn = [msgspec.structs.replace(message, blocks=said)] if said else []
    return [*turn, Message("tool", results)] if results else turn
