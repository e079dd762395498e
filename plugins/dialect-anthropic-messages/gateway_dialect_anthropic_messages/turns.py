"""Canonical messages to `system` and `messages`.

Turns of one role in a row become one, so that parallel results stand together; in this dialect's own calls only results
do. System and developer messages of other dialects go to `system` in their order, wherever they stood.
"""

from __future__ import annotations

from gateway import Call, Message, Target, Text
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .write_blocks import BlockWriter, Content

_HOISTED = ("system", "developer")


def write(call: Call, target: Target, loss: Loss) -> Members:
    """`system` where there is any, and `messages`."""
    writer = _Writer(BlockWriter(target.state_domain, loss), loss)
    for at, text in enumerate(call.system):
        writer.say(text, f"system[{at}]")
    for at, message in enumerate(call.messages):
        writer.add(message, f"messages[{at}]")
    return writer.members()


class _Writer:
    def __init__(self, blocks: BlockWriter, loss: Loss) -> None:
        self._blocks = blocks
        self._loss = loss
        self._system: list[Content] = []
        self._turns: list[Members] = []
        self._content: list[Content] = []
        self._last: Message | None = None

    def say(self, text: Text, path: str) -> None:
        written = self._blocks.text(text, path)
        if written is not None:
            self._system.append(written)

    def add(self, message: Message, path: str) -> None:
        if message.name is not None:
            self._loss.add(f"{path}.name")
        if message.phase is not None:
            self._loss.add(f"{path}.phase")
        if message.role in _HOISTED and not self._loss.own:
            self._hoist(message, path)
            return
        extra = self._loss.keep(message.extra, path)
        content = self._blocks.write(message.blocks, path, message.role == "assistant")
        if self._last is not None and self._joins(self._last, message):
            self._content += content
        elif content or self._loss.own:
            self._content = content
            self._turns.append({"role": _role(message), "content": self._content, **extra})
            self._last = message

    def members(self) -> Members:
        """The vendor wants at least one message: a call of system texts alone asks with the last of them."""
        if not self._turns and self._system and not self._loss.own:
            self._turns.append({"role": "user", "content": [self._system.pop()]})
            self._loss.add("messages[0].role")
        out: Members = {"system": _plain(self._system)} if self._system else {}
        out["messages"] = [_written(turn) for turn in self._turns]
        return out

    def _hoist(self, message: Message, path: str) -> None:
        if self._turns:
            self._loss.add(f"{path}.position")
        self._loss.keep(message.extra, path)
        for at, block in enumerate(message.blocks):
            if isinstance(block, Text):
                self.say(block, f"{path}.content[{at}]")
            else:
                self._loss.add(f"{path}.content[{at}]")

    def _joins(self, last: Message, message: Message) -> bool:
        if self._loss.own:
            return last.role == message.role == "tool"
        return _role(last) == _role(message)


def _role(message: Message) -> str:
    if message.role in ("assistant", "system"):
        return message.role
    return "system" if message.role == "developer" else "user"


def _written(turn: Members) -> Members:
    """A system message may have no content, where it sets the effort alone."""
    if turn["role"] == "system" and not turn["content"]:
        return {name: value for name, value in turn.items() if name != "content"}
    return {**turn, "content": _plain(turn["content"])}


def _plain(content: object) -> object:
    """One text as a string."""
    lone = content[0] if isinstance(content, list) and len(content) == 1 else None
    return lone["text"] if isinstance(lone, dict) and lone.keys() == {"type", "text"} else content
