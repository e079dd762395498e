"""Canonical messages to Ollama's: text, pictures and thoughts are members of a message, without an order."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Audio, Block, Call, Image, Message, Reasoning, Refusal, Text, ToolCall, ToolResult
from gateway.wire import jsontext
from gateway.wire.jsontext import Members as Object
from gateway.wire.losses import Loss

from . import ids, media, tools

_ROLES = {"developer": "system"}


def messages(call: Call, loss: Loss) -> list[Object]:
    writer = _Writer(call.messages, loss)
    if call.system:
        for at, text in enumerate(call.system):
            loss.keep(text.extra, f"system[{at}]")
        writer.out.append({"role": "system", "content": "\n\n".join(text.text for text in call.system)})
    for at, message in turns(call.messages, loss.own):
        writer.write(message, f"messages[{at}]")
    return writer.out


def turns(messages: Sequence[Message], own: bool) -> list[tuple[int, Message]]:
    """Messages with their positions; an assistant's pieces of one turn joined, except in this dialect's own calls."""
    found: list[tuple[int, Message]] = []
    for at, message in enumerate(messages):
        if not own and found and message.role == found[-1][1].role == "assistant":
            first, last = found[-1]
            blocks, extra = [*last.blocks, *message.blocks], last.extra | message.extra
            found[-1] = (first, Message("assistant", blocks, last.name, last.phase, extra))
        else:
            found.append((at, message))
    return found


class _Writer:
    def __init__(self, messages: Sequence[Message], loss: Loss) -> None:
        self.out: list[Object] = []
        self._loss = loss
        calls = [block for message in messages for block in message.blocks if isinstance(block, ToolCall)]
        self._names = {call.id: call.name for call in calls}

    def write(self, message: Message, path: str) -> None:
        for member in ("name", "phase"):
            if getattr(message, member):
                self._loss.add(f"{path}.{member}")
        extra = self._loss.keep(message.extra, path)
        results = [block for block in message.blocks if isinstance(block, ToolResult)]
        for number, block in enumerate(message.blocks):
            if isinstance(block, ToolResult):
                self.out.append(self._result(block, f"{path}.content[{number}]") | extra)
        rest = [block for block in message.blocks if not isinstance(block, ToolResult)]
        if rest or not results:
            self.out.append(jsontext.merged(self._turn(message, rest, f"{path}.content"), extra))

    def _turn(self, message: Message, blocks: Sequence[Block], path: str) -> Object:
        seam = "" if message.role == "assistant" else "\n\n"
        out: Object = {"role": _ROLES.get(message.role, message.role), "content": self._text(blocks, seam, path)}
        if thoughts := self._thoughts(blocks, path):
            out["thinking"] = thoughts
        if pictures := media.write(blocks, path, self._loss):
            out["images"] = pictures
        calls = [(at, block) for at, block in enumerate(blocks) if isinstance(block, ToolCall)]
        if calls:
            out["tool_calls"] = [self._call(call, n, f"{path}[{at}]") for n, (at, call) in enumerate(calls)]
        return out

    def _text(self, blocks: Sequence[Block], seam: str, path: str) -> str:
        found = []
        for at, block in enumerate(blocks):
            if isinstance(block, Text | Refusal):
                found.append(block.text)
            elif not isinstance(block, Reasoning | Image | Audio | ToolCall):
                self._loss.add(f"{path}[{at}]")
            if isinstance(block, Text):
                self._loss.keep(block.extra, f"{path}[{at}]")
                self._unproved(block, f"{path}[{at}]")
        return seam.join(found)

    def _thoughts(self, blocks: Sequence[Block], path: str) -> str:
        """Summaries, and thoughts with another vendor's proof, are none that this upstream gave."""
        found = []
        for at, block in enumerate(blocks):
            if isinstance(block, Reasoning) and (block.summary or block.proof is not None):
                self._loss.add(f"{path}[{at}]")
            elif isinstance(block, Reasoning):
                found.append(block.text)
        return "".join(found)

    def _call(self, call: ToolCall, number: int, path: str) -> Object:
        self._unproved(call, path)
        return tools.write_call(call, number, path, self._loss)

    def _unproved(self, block: Text | ToolCall, path: str) -> None:
        if block.proof is not None:
            self._loss.add(f"{path}.proof")

    def _result(self, result: ToolResult, path: str) -> Object:
        if result.is_error:
            self._loss.add(f"{path}.is_error")
        self._loss.keep(result.extra, path)
        out: Object = {"role": "tool", "content": self._text(result.blocks, "\n\n", path)}
        if name := self._names.get(result.call_id):
            out["tool_name"] = name
        if ids.given(result.call_id):
            out["tool_call_id"] = result.call_id
        if pictures := media.write(result.blocks, path, self._loss):
            out["images"] = pictures
        return out
