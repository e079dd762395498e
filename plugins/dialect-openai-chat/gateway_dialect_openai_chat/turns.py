"""Canonical messages to those of chat completions.

What differs: a tool's result is a message of its own and holds text alone, so its images and files go to a user message
after the results; calls of one turn stand in one assistant message, where other dialects may have several.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from gateway import Audio, Block, Call, Message, Opaque, Reasoning, Refusal, Target, Text, ToolCall, ToolResult, carrier
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .contents import content
from .proofs import CONTENT, DETAILS, NAME

MOVED = "The tool's result is in the next message."


def messages(call: Call, target: Target, loss: Loss) -> list[Members]:
    writer = _Writer(target, loss)
    if call.system:
        writer.out.append({"role": "system", "content": _system(call.system, loss)})
    for at, message in call_turns(call.messages, loss.own):
        writer.write(at, message)
    writer.flush()
    return writer.out


def _system(texts: Sequence[Text], loss: Loss) -> str:
    """One string, since many servers take no parts here."""
    for at, text in enumerate(texts):
        loss.keep(text.extra, f"system[{at}]")
    return "\n\n".join(text.text for text in texts)


def call_turns(messages: Sequence[Message], own: bool) -> list[tuple[int, Message]]:
    """Messages with their positions; an assistant's pieces of one turn joined, except in this dialect's own calls."""
    turns: list[tuple[int, Message]] = []
    for at, message in enumerate(messages):
        if turns and not own and _joins(turns[-1][1], message):
            first, last = turns[-1]
            blocks, extra = [*last.blocks, *message.blocks], last.extra | message.extra
            turns[-1] = (first, Message("assistant", blocks, last.name, last.phase, extra))
        else:
            turns.append((at, message))
    return turns


def _joins(last: Message, message: Message) -> bool:
    if last.role != "assistant" or message.role != "assistant":
        return False
    calls = any(isinstance(block, ToolCall) for block in [*last.blocks, *message.blocks])
    return calls or all(isinstance(block, Reasoning | Opaque) for block in last.blocks)


class _Writer:
    def __init__(self, target: Target, loss: Loss) -> None:
        self.out: list[Members] = []
        self._domain = target.state_domain
        self._key = target.quirks.reasoning_key
        self._loss = loss
        self._moved: list[Members] = []

    def write(self, at: int, message: Message) -> None:
        path = f"messages[{at}]"
        results = [block for block in message.blocks if isinstance(block, ToolResult)]
        if not results:
            self.flush()
        if message.phase:
            self._loss.add(f"{path}.phase")
        rest = [block for block in message.blocks if not isinstance(block, ToolResult)]
        for result in results:
            self._result(result, path, message if result is results[0] and not rest else None)
        if rest or not results:
            self.flush()
            self._turn(path, message, rest)

    def flush(self) -> None:
        """Results come directly after their calls; what was moved out of them, after all of them."""
        if self._moved:
            self.out.append({"role": "user", "content": self._moved})
            self._moved = []

    def _turn(self, path: str, message: Message, blocks: Sequence[Block]) -> None:
        out: Members = {"role": message.role}
        if message.name is not None:
            out["name"] = message.name
        if message.role == "assistant":
            self._assistant(out, blocks, f"{path}.content")
        else:
            out["content"] = content(blocks, f"{path}.content", self._loss) or ""
        out |= self._loss.keep(message.extra, path)
        self.out.append(out)

    def _assistant(self, out: Members, blocks: Sequence[Block], path: str) -> None:
        said = [block for block in blocks if not isinstance(block, Reasoning | Refusal | ToolCall | Audio)]
        text = content(said, path, self._loss)
        refusal = "".join(block.text for block in blocks if isinstance(block, Refusal))
        calls: list[Members] = []
        for at, block in enumerate(blocks):
            if isinstance(block, Reasoning):
                self._reasoning(out, block, f"{path}[{at}]")
            elif isinstance(block, ToolCall):
                calls.append(self._call(block, f"{path}[{at}]"))
            elif isinstance(block, Audio):
                self._audio(out, block, f"{path}[{at}]")
        if text is not None or not (refusal or calls or "audio" in out):
            out["content"] = text if text is not None else ""
        if refusal:
            out["refusal"] = refusal
        if calls:
            out["tool_calls"] = calls
        for at, block in enumerate(blocks):
            if isinstance(block, Text) and block.proof is not None:
                out |= self._proved(block.proof, "text", f"{path}[{at}]")

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

    def _result(self, result: ToolResult, path: str, message: Message | None) -> None:
        """message: whose own members go with it."""
        texts = [block for block in result.blocks if isinstance(block, Text)]
        others = [block for block in result.blocks if not isinstance(block, Text)]
        moved = content(others, f"{path}.content", self._loss)
        if isinstance(moved, list):
            self._moved += [{"type": "text", "text": f"Result of the tool call {result.call_id}:"}, *moved]
        if result.is_error:
            self._loss.add(f"{path}.is_error")
        self._loss.lose(result.extra, path)
        out: Members = {"role": "tool", "tool_call_id": result.call_id}
        out["content"] = content(texts, f"{path}.content", self._loss) or (MOVED if moved else "")
        if message is not None:
            out |= {"name": message.name} if message.name is not None else {}
            out |= self._loss.keep(message.extra, path)
        self.out.append(out)


def _call(call: ToolCall) -> Members:
    if call.kind == "custom":
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _joined(before: object, more: Raw) -> Raw:
    """Two lists as one."""
    if not isinstance(before, Raw):
        return more
    return Raw(bytes(before).rstrip()[:-1] + b"," + bytes(more).lstrip()[1:])
