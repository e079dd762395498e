"""Messages as LibreChat's chat completions takes them.

Source: LibreChat `packages/api/src/agents/openai/service.ts`: the roles system, user, assistant and tool; parts of
content go on to the agent's model as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Audio, Block, Call, File, Image, Message, Refusal, Text, ToolCall, ToolResult
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

Placed = tuple[str, Block]
"""A block, and the path of where it stands in the call."""
ROLES = {"developer": "system", "tool": "user"}
"""`developer` is refused; of a tool's turn, results have messages of their own."""


def messages(call: Call, loss: Loss) -> list[Members]:
    out: list[Members] = []
    if call.system:
        for at, text in enumerate(call.system):
            loss.lose(text.extra, f"system[{at}]")
        out.append({"role": "system", "content": "\n\n".join(text.text for text in call.system)})
    for at, message in enumerate(call.messages):
        _write(message, f"messages[{at}]", out, loss)
    return out


def _write(message: Message, path: str, out: list[Members], loss: Loss) -> None:
    loss.lose(message.extra, path)
    placed = [(f"{path}.content[{at}]", block) for at, block in enumerate(message.blocks)]
    said, calls = [], []
    for where, block in placed:
        if isinstance(block, ToolResult):
            out.append(_result(block, where, loss))
        elif isinstance(block, ToolCall):
            calls += called(block, where, loss)
        else:
            said.append((where, block))
    if not said and not calls and any(isinstance(block, ToolResult) for block in message.blocks):
        return
    content = parts(said, loss)
    one: Members = {"role": ROLES.get(message.role, message.role)}
    if message.name is not None:
        one["name"] = message.name
    if content is not None or not calls:
        one["content"] = content if content is not None else ""
    if calls:
        one["tool_calls"] = calls
    out.append(one)


def _result(block: ToolResult, path: str, loss: Loss) -> Members:
    loss.lose(block.extra, path)
    loss.unsaid({f"{path}.is_error": block.is_error})
    placed = [(f"{path}.content[{at}]", inner) for at, inner in enumerate(block.blocks)]
    return {"role": "tool", "tool_call_id": block.call_id, "content": parts(placed, loss) or ""}


def called(block: ToolCall, path: str, loss: Loss) -> list[Members]:
    """What another server ran itself is no call of a function here."""
    if block.executor != "client" or block.kind != "function":
        loss.add(path)
        return []
    loss.lose(block.extra, path)
    loss.unsaid({f"{path}.proof": block.proof})
    return [{"id": block.id, "type": "function", "function": {"name": block.name, "arguments": block.arguments}}]


def parts(placed: Sequence[Placed], loss: Loss) -> str | list[Members] | None:
    """A plain string where texts are all; None where nothing is left."""
    found = [part for path, block in placed if (part := _part(block, path, loss))]
    texts = [part["text"] for part in found if part["type"] == "text"]
    if len(found) == 1 and texts and isinstance(texts[0], str):
        return texts[0]
    return found or None


def _part(block: Block, path: str, loss: Loss) -> Members | None:
    match block:
        case Text():
            loss.lose(block.extra, path)
            return {"type": "text", "text": block.text}
        case Refusal():
            return {"type": "text", "text": block.text}
        case Image() if address := url_of(block):
            loss.lose(block.extra, path)
            return {"type": "image_url", "image_url": jsontext.given({"url": address, "detail": block.detail})}
        case File(data=str(data)):
            loss.lose(block.extra, path)
            address = f"data:{block.media_type or 'application/pdf'};base64,{data}"
            return {"type": "file", "file": jsontext.given({"filename": block.filename, "file_data": address})}
        case Audio(data=str(data)):
            loss.lose(block.extra, path)
            return {"type": "input_audio", "input_audio": jsontext.given({"data": data, "format": block.format})}
    loss.add(path)
    return None


def url_of(image: Image) -> str | None:
    """None for one that another upstream keeps."""
    if image.data is not None:
        return f"data:{image.media_type or 'image/png'};base64,{image.data}"
    return image.url
