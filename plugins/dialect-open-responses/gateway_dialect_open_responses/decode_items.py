"""`input` to Messages: items of the assistant in a row become one message, its blocks in their order.

An item's `id` only names it: no loss to dialects without such names. Nobody reads the `status` of what comes back.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Raw

from gateway import (
    Audio,
    BadCall,
    Block,
    Extra,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from gateway.wire.jsontext import NULL, first, raw

from .members import NAME, Members, text_at

ROLES: dict[str, Literal["user", "system", "developer", "assistant"]] = {
    "user": "user",
    "system": "system",
    "developer": "developer",
    "assistant": "assistant",
}
_DATA_URL = re.compile(r"data:([^,]*?);base64,", re.IGNORECASE)


def decode_input(value: Raw | None) -> list[Message]:
    """Raises BadCall with the path of what is wrong."""
    if value is None:
        return []
    if first(value) == b'"':
        return [Message("user", [Text(text_at(value, "input"))])]
    if first(value) != b"[":
        raise BadCall("`input` must be a string or an array of items.", param="input", code="invalid_type")
    reader = _Reader()
    items = Members({"input": value}).array("input") or ()
    for n, item in enumerate(items):
        reader.item(item, f"input[{n}]")
    return reader.messages


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._turn: Message | None = None
        self._spoke = False

    def item(self, value: Raw, path: str) -> None:
        members = Members.of(value, path)
        kind = _kind(members)
        members.raw("status")
        if kind == "message":
            self._message(members)
        elif kind == "function_call":
            self._said(_call(members, "arguments"))
        elif kind == "custom_tool_call":
            self._said(_call(members, "input", custom=True))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._result(members, kind == "custom_tool_call_output")
        elif kind == "reasoning":
            blocks = _reasoning(members)
            self._said(*(blocks if not members.rest() else [Opaque(NAME, "item", value)]))
        elif kind.endswith(("_output", "_response")):
            self._other(Message("tool", [Opaque(NAME, "item", value)]))
        else:
            self._said(Opaque(NAME, "item", value))

    def _message(self, members: Members) -> None:
        role = ROLES.get(members.needed("role"))
        if role is None:
            raise members.wrong("role", "must be user, system, developer or assistant")
        if role == "assistant":
            self._answer(members)
        else:
            blocks, name = _content(members), members.text("id")
            self._other(Message(role, blocks, extra=members.rest(), item_id=name))

    def _answer(self, members: Members) -> None:
        blocks = _content(members)
        turn = self._assistant(fresh=self._spoke)
        turn.blocks += blocks
        turn.phase = members.text("phase")
        turn.item_id = members.text("id")
        turn.extra = members.rest()
        self._spoke = True

    def _said(self, *blocks: Block) -> None:
        self._assistant().blocks += blocks

    def _assistant(self, fresh: bool = False) -> Message:
        """The assistant's turn that is under way. Two message items are two messages."""
        if self._turn is None or fresh:
            self._turn = Message("assistant")
            self._spoke = False
            self.messages.append(self._turn)
        return self._turn

    def _other(self, message: Message) -> None:
        self._turn = None
        self.messages.append(message)

    def _result(self, members: Members, custom: bool) -> None:
        result = ToolResult(members.needed("call_id"), blocks=_output(members), kind="custom" if custom else "function")
        name = members.text("id")
        self._other(Message("tool", [result], extra=members.rest(), item_id=name))


def _kind(members: Members) -> str:
    kind = members.text("type")
    if kind is not None:
        return kind
    if members.seen("role") is not None:
        return "message"
    if members.seen("id") is not None:
        return "item_reference"
    raise members.wrong("type", "is required", "missing_required_parameter")


def _call(members: Members, argument: str, custom: bool = False) -> ToolCall:
    call = ToolCall(
        members.needed("call_id"),
        members.needed("name"),
        members.text(argument) or "",
        kind="custom" if custom else "function",
        item_id=members.text("id"),
    )
    call.extra = members.rest()
    return call


def _reasoning(members: Members) -> list[Reasoning]:
    """One block for each summary part, one for the thoughts; the last one carries the proof.

    An item without `encrypted_content` is proved by its id: the upstream has it stored. Its proof is `null`.
    """
    name = members.text("id")
    blocks = [Reasoning(text, True, name) for text in _texts(members, "summary")]
    blocks += [Reasoning(text, False, name) for text in _texts(members, "content")]
    blocks = blocks or [Reasoning(id=name)]
    secret = members.raw("encrypted_content")
    if secret is not None or name is not None:
        blocks[-1].proof = Opaque(NAME, "reasoning", secret or NULL)
    return blocks


def _texts(members: Members, name: str) -> list[str]:
    path = members.path + name
    return [Members.of(part, f"{path}[{n}]").text("text") or "" for n, part in enumerate(members.array(name) or ())]


def _content(members: Members) -> list[Block]:
    value = members.seen("content")
    if value is not None and first(value) == b'"':
        return [Text(members.needed("content"))]
    path = members.path + "content"
    return [_part(part, f"{path}[{n}]") for n, part in enumerate(members.array("content") or ())]


def _output(members: Members) -> list[Text | Image | File | Audio]:
    value = members.seen("output")
    if value is not None and first(value) == b'"':
        return [Text(members.needed("output"))]
    path = members.path + "output"
    parts = [_part(part, f"{path}[{n}]") for n, part in enumerate(members.array("output") or ())]
    return [_result_block(part) for part in parts]


def _result_block(part: Block) -> Text | Image | File | Audio:
    """A part that results have no block for (video) rides in a document's extra members, its `type` among them."""
    if isinstance(part, (Text, Image, File, Audio)):
        return part
    if isinstance(part, Opaque):
        return File(extra=Members.of(part.payload, "output").rest())
    return Text(part.text if isinstance(part, Refusal) else "")


def _part(value: Raw, path: str) -> Block:
    members = Members.of(value, path)
    kind = members.needed("type")
    if kind in ("input_text", "output_text", "text"):
        return Text(members.needed("text"), extra=_marks(members))
    if kind == "refusal":
        refusal = Refusal(members.needed("refusal"))
        return refusal if not members.rest() else Opaque(NAME, "part", value)
    if kind == "input_image":
        return _image(members)
    if kind == "input_file":
        return _file(members)
    if kind == "input_audio":
        return _audio(members)
    return Opaque(NAME, "part", value)


def _marks(members: Members) -> Extra:
    """What stands beside a text. Empty `annotations` and `logprobs`, which SDKs send back, say nothing."""
    return {
        name: value
        for name, value in members.rest().items()
        if not (name in ("annotations", "logprobs") and bytes(value) == b"[]")
    }


def _image(members: Members) -> Image:
    url, media_type, data = _source(members.text("image_url"))
    return Image(url, data, media_type, members.text("file_id"), members.text("detail"), extra=members.rest())


def _file(members: Members) -> File:
    plain, media_type, data = _source(members.text("file_data"))
    return File(
        url=members.text("file_url"),
        data=plain if data is None else data,
        media_type=media_type,
        file_id=members.text("file_id"),
        filename=members.text("filename"),
        extra=members.rest(),
    )


def _source(text: str | None) -> tuple[str | None, str | None, str | None]:
    """(what is no data URL, media type, base64 of a data URL)"""
    if text is None:
        return None, None, None
    match = _DATA_URL.match(text)
    return (text, None, None) if match is None else (None, match[1] or None, text[match.end() :])


def _audio(members: Members) -> Audio:
    inner = members.object("input_audio")
    if inner is None:
        raise members.wrong("input_audio", "is required", "missing_required_parameter")
    block = Audio(data=inner.text("data"), format=inner.text("format"))
    block.extra = members.rest() | ({"input_audio": raw(rest)} if (rest := inner.rest()) else {})
    return block
