"""Messages as items of `input`, as LibreChat's Responses takes them: each with its type, without which it is dropped.

Source: LibreChat `packages/api/src/agents/responses/service.ts`: `instructions` are only echoed, so the system's text
is an item; of a file only the name is read.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Block, Call, Image, Message, Refusal, Text, ToolCall, ToolResult
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from .write_messages import called, url_of


def items(call: Call, loss: Loss) -> list[Members]:
    out: list[Members] = []
    if call.system:
        for at, text in enumerate(call.system):
            loss.lose(text.extra, f"system[{at}]")
        out.append(_message("developer", [_text("\n\n".join(text.text for text in call.system), False)]))
    for at, message in enumerate(call.messages):
        _write(message, f"messages[{at}]", out, loss)
    return out


def _write(message: Message, path: str, out: list[Members], loss: Loss) -> None:
    """Calls and results stand between the messages, in their order."""
    loss.lose(message.extra, path)
    loss.unsaid({f"{path}.name": message.name})
    answer = message.role == "assistant"
    role = "user" if message.role == "tool" else message.role
    held: list[Members] = []
    for at, block in enumerate(message.blocks):
        place = f"{path}.content[{at}]"
        if not isinstance(block, ToolCall | ToolResult):
            held += _part(block, answer, place, loss)
            continue
        if held:
            out.append(_message(role, held))
            held = []
        out += _call(block, place, loss) if isinstance(block, ToolCall) else _result(block, place, loss)
    if held:
        out.append(_message(role, held))


def _message(role: str, content: Sequence[Members]) -> Members:
    return {"type": "message", "role": role, "content": content}


def _text(text: str, answer: bool) -> Members:
    return {"type": "output_text" if answer else "input_text", "text": text}


def _part(block: Block, answer: bool, path: str, loss: Loss) -> list[Members]:
    if isinstance(block, Text | Refusal):
        if isinstance(block, Text):
            loss.lose(block.extra, path)
        return [_text(block.text, answer)]
    if isinstance(block, Image) and not answer and (address := url_of(block)):
        loss.lose(block.extra, path)
        return [jsontext.given({"type": "input_image", "image_url": address, "detail": block.detail})]
    loss.add(path)
    return []


def _call(block: ToolCall, path: str, loss: Loss) -> list[Members]:
    return [
        {"type": "function_call", "call_id": block.id, "name": block.name, "arguments": block.arguments}
        for _ in called(block, path, loss)
    ]


def _result(block: ToolResult, path: str, loss: Loss) -> list[Members]:
    """Text alone has a place in it."""
    loss.lose(block.extra, path)
    loss.unsaid({f"{path}.is_error": block.is_error})
    texts = []
    for at, inner in enumerate(block.blocks):
        if isinstance(inner, Text):
            texts.append(inner.text)
        else:
            loss.add(f"{path}.content[{at}]")
    return [{"type": "function_call_output", "call_id": block.call_id, "output": "\n".join(texts)}]
