"""Canonical messages to those of chat completions.

What differs: a tool's result is a message of its own and holds text alone, so its images and files go to a user message
after the results; calls of one turn stand in one assistant message, where other dialects may have several.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from gateway import Audio, Call, Extra, Message, Opaque, Reasoning, Refusal, Target, Text, ToolCall, ToolResult, carrier
from gateway.call import Role
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .contents import Placed, content
from .proofs import CONTENT, DETAILS, NAME

MOVED = "The tool's result is in the next message."


class Turn(msgspec.Struct):
    """One message to write. placed: its blocks, each with where it stands in the call. extra: what of it is kept."""

    role: Role
    placed: list[Placed]
    name: str | None
    extra: Extra


def messages(call: Call, target: Target, loss: Loss) -> list[Members]:
    writer = _Writer(target, loss)
    if call.system:
        writer.out.append({"role": "system", "content": _system(call.system, loss)})
    for turn in turns(call.messages, loss):
        writer.write(turn)
    writer.flush()
    return writer.out


def _system(texts: Sequence[Text], loss: Loss) -> str:
    """One string, since many servers take no parts here."""
    for at, text in enumerate(texts):
        loss.keep(text.extra, f"system[{at}]")
    return "\n\n".join(text.text for text in texts)


def turns(messages: Sequence[Message], loss: Loss) -> list[Turn]:
    """An assistant's pieces of one turn are joined, except in this dialect's own calls."""
    found: list[Turn] = []
    for at, message in enumerate(messages):
        turn = _turn(message, f"messages[{at}]", loss)
        if found and not loss.own and _joins(found[-1], turn):
            found[-1].placed += turn.placed
        else:
            found.append(turn)
    return found


def _turn(message: Message, path: str, loss: Loss) -> Turn:
    if message.phase:
        loss.add(f"{path}.phase")
    placed = [(f"{path}.content[{at}]", block) for at, block in enumerate(message.blocks)]
    return Turn(message.role, placed, message.name, loss.keep(message.extra, path))


def _joins(last: Turn, turn: Turn) -> bool:
    if last.role != "assistant" or turn.role != "assistant":
        return False
    calls = any(isinstance(block, ToolCall) for _, block in [*last.placed, *turn.placed])
    return calls or all(isinstance(block, Reasoning | Opaque) for _, block in last.placed)


class _Writer:
    def __init__(self, target: Target, loss: Loss) -> None:
        self.out: list[Members] = []
        self._domain = target.state_domain
        self._key = target.quirks.reasoning_key
        self._loss = loss
        self._moved: list[Members] = []

    def write(self, turn: Turn) -> None:
        results = [(path, block) for path, block in turn.placed if isinstance(block, ToolResult)]
        rest = [(path, block) for path, block in turn.placed if not isinstance(block, ToolResult)]
        for at, (path, result) in enumerate(results):
            self._result(result, path, turn if at == 0 and not rest else None)
        if rest or not results:
            self._said(turn, rest)

    def flush(self) -> None:
        """Results come directly after their calls; what was moved out of them, after all of them."""
        if self._moved:
            self.out.append({"role": "user", "content": self._moved})
            self._moved = []

    def _said(self, turn: Turn, placed: Sequence[Placed]) -> None:
        """Of a tool's turn only results have a place; what else it says, the user says."""
        out: Members = {"role": "user" if turn.role == "tool" else turn.role}
        if turn.name is not None:
            out["name"] = turn.name
        if turn.role == "assistant":
            self._assistant(out, placed)
        else:
            out["content"] = content(placed, self._loss) or ""
        if turn.role != "tool" or out["content"]:
            self.flush()
            self.out.append(out | turn.extra)

    def _assistant(self, out: Members, placed: Sequence[Placed]) -> None:
        said = [one for one in placed if not isinstance(one[1], Reasoning | Refusal | ToolCall | Audio)]
        text = content(said, self._loss)
        refusal = "".join(block.text for _, block in placed if isinstance(block, Refusal))
        calls: list[Members] = []
        for path, block in placed:
            if isinstance(block, Reasoning):
                self._reasoning(out, block, path)
            elif isinstance(block, ToolCall):
                calls.append(self._call(block, path))
            elif isinstance(block, Audio):
                self._audio(out, block, path)
        if text is not None or not (refusal or calls or "audio" in out):
            out["content"] = text if text is not None else ""
        if refusal:
            out["refusal"] = refusal
        if calls:
            out["tool_calls"] = calls
        for path, block in placed:
            if isinstance(block, Text) and block.proof is not None:
                out |= self._proved(block.proof, "text", path)

    def _call(self, call: ToolCall, path: str) -> Members:
        extra = self._loss.keep(call.extra, path)
        proved = self._proved(call.proof, "call", path) if call.proof is not None else {}
        return jsontext.merged(_call(call), extra) | proved

    def _proved(self, proof: Opaque, form: str, path: str) -> Members:
        """Google's signature, where it is this upstream's."""
        if proof.form == form and carrier.trusted(proof, NAME, self._domain):
            return {CONTENT: proof.payload}
        self._loss.add(f"{path}.proof")
        return {}

    def _audio(self, out: Members, block: Audio, path: str) -> None:
        """OpenAI's models take what they said by its id alone."""
        if block.id:
            out["audio"] = {"id": block.id, **self._loss.keep(block.extra, path)}
        else:
            self._loss.add(path)

    def _reasoning(self, out: Members, block: Reasoning, path: str) -> None:
        """Several upstreams refuse a call without the reasoning they gave, others one with it; a summary, or what has
        another vendor's proof, is no reasoning that this upstream gave."""
        proof = block.proof
        if block.summary or (proof is not None and not self._ours(proof)):
            self._loss.add(path)
            return
        key = self._key or ("reasoning_content" if self._loss.own or proof is not None else None)
        if block.text and key is None:
            self._loss.add(path)
        elif block.text and key is not None:
            out[key] = f"{out.get(key, '')}{block.text}"
        if proof is not None:
            out[DETAILS] = _joined(out.get(DETAILS), proof.payload)

    def _ours(self, proof: Opaque) -> bool:
        return proof.form == DETAILS and carrier.trusted(proof, NAME, self._domain)

    def _result(self, result: ToolResult, path: str, turn: Turn | None) -> None:
        """turn: whose own members go with it."""
        placed = [(f"{path}.content[{at}]", block) for at, block in enumerate(result.blocks)]
        moved = content([one for one in placed if not isinstance(one[1], Text)], self._loss)
        if isinstance(moved, list):
            self._moved += [{"type": "text", "text": f"Result of the tool call {result.call_id}:"}, *moved]
        if result.is_error:
            self._loss.add(f"{path}.is_error")
        out: Members = {"role": "tool", "tool_call_id": result.call_id}
        out["content"] = content([one for one in placed if isinstance(one[1], Text)], self._loss) or (
            MOVED if moved else ""
        )
        if turn is not None:
            out |= {"name": turn.name} if turn.name is not None else {}
            out |= turn.extra
        self.out.append(out | self._loss.keep(result.extra, path))


def _call(call: ToolCall) -> Members:
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _joined(before: object, more: Raw) -> Raw:
    """Two lists as one."""
    if not isinstance(before, Raw):
        return more
    return Raw(bytes(before).rstrip()[:-1] + b"," + bytes(more).lstrip()[1:])
