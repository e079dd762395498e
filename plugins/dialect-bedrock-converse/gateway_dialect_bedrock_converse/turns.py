"""Canonical messages to those of Converse.

What differs: users and assistants take turns, so neighbours of one role become one message; results of tools stand
first in the user's; system text that does not come first moves to the front.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from gateway import Call, Message, Text
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .contents import CACHED, ContentWriter
from .families import Family


class Written(msgspec.Struct):
    """unsigned: the last turn called tools without the thoughts before."""

    messages: list[Members]
    system: list[Members]
    unsigned: bool = False


class _Turn(msgspec.Struct):
    role: Literal["user", "assistant", "system"]
    content: list[Members] = []

    def members(self, own: bool) -> Members:
        content = self.content
        if self.role == "user" and not own:
            content = sorted_results(content)
        return {"role": self.role, "content": content}


def write(call: Call, domain: str, family: Family, loss: Loss) -> Written:
    writer = ContentWriter(domain, family, loss)
    system = [part for at, text in enumerate(call.system) for part in _system(text, f"system[{at}]", writer, loss)]
    turns: list[_Turn] = []
    for at, message in enumerate(call.messages):
        path = f"messages[{at}]"
        _lose(message, path, loss)
        if message.role in ("system", "developer") and not loss.own:
            if turns:
                loss.add(f"{path}.role")
            system += _moved(message, path, writer, loss)
        else:
            _add(turns, message, writer.blocks(message.blocks, f"{path}.content"), loss.own)
    if turns:
        turns[-1].content += writer.cache_point(call.extra, "messages", "")
    messages = [turn.members(loss.own) for turn in turns]
    return Written(messages, system, _unsigned(turns))


def sorted_results(content: list[Members]) -> list[Members]:
    """Results of tools with their cache points before all else."""
    first: list[Members] = []
    rest: list[Members] = []
    into = rest
    for part in content:
        if "cachePoint" not in part:
            into = first if "toolResult" in part else rest
        into.append(part)
    return first + rest


def _add(turns: list[_Turn], message: Message, content: list[Members], own: bool) -> None:
    role: Literal["user", "assistant", "system"] = "user"
    if message.role in ("assistant", "system"):
        role = "assistant" if message.role == "assistant" else "system"
    if not content and not own:
        return
    if turns and turns[-1].role == role and not own:
        turns[-1].content += content
    else:
        turns.append(_Turn(role, list(content)))


def _system(text: Text, path: str, writer: ContentWriter, loss: Loss) -> list[Members]:
    """A block of this dialect that is no text is all in `extra`."""
    extra = loss.keep(text.extra, path, CACHED)
    if loss.own and not text.text and extra:
        return [dict(extra)]
    if not text.text.strip():
        return []
    return [{"text": text.text, **extra}, *writer.cache_point(text.extra, "system", path)]


def _moved(message: Message, path: str, writer: ContentWriter, loss: Loss) -> list[Members]:
    out: list[Members] = []
    for at, block in enumerate(message.blocks):
        where = f"{path}.content[{at}]"
        if isinstance(block, Text):
            out += _system(block, where, writer, loss)
        else:
            loss.add(where)
    return out


def _lose(message: Message, path: str, loss: Loss) -> None:
    if message.name is not None:
        loss.add(f"{path}.name")
    if message.phase is not None:
        loss.add(f"{path}.phase")
    loss.keep(message.extra, path)


def _unsigned(turns: list[_Turn]) -> bool:
    if len(turns) < 2 or not any("toolResult" in part for part in turns[-1].content):
        return False
    before = turns[-2]
    first = before.content[0] if before.content else {}
    return before.role == "assistant" and "reasoningContent" not in first
