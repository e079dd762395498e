"""Messages to items of `input`."""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import Raw, UnsetType

from gateway import (
    Audio,
    Block,
    Extra,
    File,
    Image,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Target,
    Text,
    ToolCall,
    ToolResult,
    carrier,
)
from gateway.wire.jsontext import Members as JsonMembers
from gateway.wire.jsontext import is_null, merged, raw

from . import proofs
from .members import NAME, PICTURE, spliced

ID_LIMIT = 64
EMPTY = Raw(b"[]")


class _InputText(msgspec.Struct, tag="input_text"):
    text: str


class _OutputText(msgspec.Struct, tag="output_text"):
    text: str


class _Refusal(msgspec.Struct, tag="refusal"):
    refusal: str


class _Image(msgspec.Struct, tag="input_image", omit_defaults=True):
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None


class _File(msgspec.Struct, tag="input_file", omit_defaults=True):
    filename: str | None = None
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None


class _Message(msgspec.Struct, tag="message", omit_defaults=True):
    role: str
    content: str | list[Raw]
    phase: str | None = None


class _Call(msgspec.Struct, tag="function_call"):
    call_id: str
    name: str
    arguments: str


class _CustomCall(msgspec.Struct, tag="custom_tool_call"):
    call_id: str
    name: str
    input: str


class _Output(msgspec.Struct, tag="function_call_output"):
    call_id: str
    output: str | list[Raw]


class _CustomOutput(msgspec.Struct, tag="custom_tool_call_output"):
    call_id: str
    output: str | list[Raw]


class _Part(msgspec.Struct):
    type: str
    text: str


class _Reasoning(msgspec.Struct, tag="reasoning"):
    summary: list[_Part]
    id: str | UnsetType = msgspec.UNSET
    content: list[_Part] | UnsetType = msgspec.UNSET
    encrypted_content: Raw | UnsetType = msgspec.UNSET


def call_id(name: str) -> str:
    """A call's id as Responses takes it: 1 to 64 characters. The same name always gives the same id."""
    if 0 < len(name) <= ID_LIMIT:
        return name
    return "call_" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]


class ItemWriter:
    """own: the call came in this dialect, so that its extra members mean here what they meant there."""

    def __init__(self, own: bool, target: Target) -> None:
        self.loss: list[str] = []
        self._own = own
        self._domain = target.state_domain
        self._items: list[Raw] = []
        self._parts: list[tuple[Block, Raw]] = []
        self._thoughts: list[Reasoning] = []

    def write(self, messages: list[Message]) -> list[Raw]:
        for n, message in enumerate(messages):
            self._message(message, f"messages[{n}]")
        return self._items

    def _message(self, message: Message, path: str) -> None:
        if message.name is not None:
            self.loss.append(f"{path}.name")
        self._foreign(message.extra, path)
        for n, block in enumerate(message.blocks):
            self._block(block, message, f"{path}.content[{n}]")
        self._close_thoughts(path)
        self._close_message(message)

    def _block(self, block: Block, message: Message, path: str) -> None:
        if isinstance(block, Text | ToolCall) and block.proof is not None:
            self.loss.append(f"{path}.proof")
        if isinstance(block, Reasoning):
            self._close_message(message)
            if self._thoughts and not _same_item(self._thoughts[-1], block, self._own):
                self._close_thoughts(path)
            self._thoughts.append(block)
            return
        self._close_thoughts(path)
        if isinstance(block, Image) and self._is_drawn(block):
            return
        part = self._part(block, message.role == "assistant", path)
        if part is not None:
            self._parts.append((block, part))
            return
        item = self._item(block, message, path)
        if item is not None:
            self._close_message(message)
            self._items.append(item)

    def _is_drawn(self, block: Image) -> bool:
        """Whether the picture is that of the item before it."""
        last = bytes(self._items[-1]) if self._items and not self._parts else b""
        return bool(block.data) and PICTURE.encode() in last and (block.data or "").encode() in last

    def _close_message(self, message: Message) -> None:
        """The parts so far, as one message item; a lone plain text as a string, which the weakest upstream takes."""
        parts, self._parts = self._parts, []
        if not parts:
            return
        extra = message.extra if self._own else {}
        lone = parts[0][0]
        plain = len(parts) == 1 and isinstance(lone, Text) and not extra and not (self._own and lone.extra)
        content = lone.text if plain and isinstance(lone, Text) else [part for _, part in parts]
        role = "user" if message.role == "tool" else message.role
        self._items.append(spliced(_Message(role, content, message.phase), self._name(message.item_id) | extra))

    def _part(self, block: Block, answer: bool, path: str) -> Raw | None:
        """A content part; None for what stands in an item of its own."""
        if isinstance(block, Text):
            extra = self._foreign(block.extra, path)
            if not answer:
                return spliced(_InputText(block.text), extra)
            return spliced(_OutputText(block.text), {"annotations": EMPTY} | extra)
        if isinstance(block, Refusal):
            return raw(_Refusal(block.text) if answer else _InputText(block.text))
        if isinstance(block, (Image, File)) and not answer:
            return self._medium(block, path)
        if isinstance(block, Audio) and self._own and block.data is not None:
            return raw(_audio(block))
        if isinstance(block, Opaque) and block.form == "part" and carrier.trusted(block, NAME, self._domain):
            return block.payload
        return None

    def _medium(self, block: Image | File, path: str) -> Raw | None:
        extra = self._foreign(block.extra, path)
        if "type" in extra:
            return raw(extra)
        if isinstance(block, Image):
            return spliced(_Image(_url(block) or block.url, block.file_id, block.detail), extra)
        return spliced(_File(block.filename, _url(block) or block.data, block.url, block.file_id), extra)

    def _item(self, block: Block, message: Message, path: str) -> Raw | None:
        if isinstance(block, ToolCall):
            extra = self._foreign(block.extra, path)
            return spliced(_called(block), self._name(block.item_id) | extra)
        if isinstance(block, ToolResult):
            return self._result(block, message, path)
        if isinstance(block, Opaque) and block.form == proofs.ITEM and carrier.trusted(block, NAME, self._domain):
            return block.payload
        self.loss.append(path)
        return None

    def _result(self, block: ToolResult, message: Message, path: str) -> Raw:
        if block.is_error:
            self.loss.append(f"{path}.is_error")
        output = self._said(block, path)
        kind = _CustomOutput if block.kind == "custom" else _Output
        extra = self._foreign(block.extra, path) | (message.extra if self._own else {})
        return spliced(kind(call_id(block.call_id), output), self._name(message.item_id) | extra)

    def _said(self, block: ToolResult, path: str) -> str | list[Raw]:
        lone = block.blocks[0] if len(block.blocks) == 1 else None
        if isinstance(lone, Text) and not (lone.extra and self._own):
            self._foreign(lone.extra, path)
            return lone.text
        parts = [self._part(part, False, f"{path}.content[{n}]") for n, part in enumerate(block.blocks)]
        self.loss += [f"{path}.content[{n}]" for n, part in enumerate(parts) if part is None]
        return [part for part in parts if part is not None] or ""

    def _close_thoughts(self, path: str) -> None:
        thoughts, self._thoughts = self._thoughts, []
        if not thoughts:
            return
        proof = thoughts[-1].proof
        known = proof is not None and proof.form in (proofs.FORM, proofs.ITEM)
        if proof is None or not known or not carrier.trusted(proof, NAME, self._domain):
            self.loss.append(f"{path}.reasoning")
            return
        self._items.append(proof.payload if proofs.is_whole(proof) else raw(_thought(thoughts, proof)))

    def _name(self, item_id: str | None) -> Extra:
        """An item under its maker's name is one of a reply, where `status` is always there."""
        return {"id": raw(item_id), "status": raw("completed")} if self._own and item_id is not None else {}

    def _foreign(self, extra: Extra, path: str) -> Extra:
        """The members to write; of another dialect's there are none, and they are loss."""
        if self._own:
            return extra
        self.loss += [f"{path}.{name}" for name in extra]
        return {}


def _audio(block: Audio) -> JsonMembers:
    """OpenAI's, not the specification's: for clients of this dialect that send it."""
    inner: JsonMembers = {"data": block.data}
    if block.format is not None:
        inner["format"] = block.format
    return merged({"type": "input_audio", "input_audio": inner}, block.extra)


def _same_item(earlier: Reasoning, later: Reasoning, own: bool) -> bool:
    """Other dialects have no names for thoughts: there those before a proof belong to it."""
    return earlier.proof is None and earlier.id == later.id and (earlier.id is not None or not own)


def _called(block: ToolCall) -> _Call | _CustomCall:
    kind = _CustomCall if block.kind == "custom" else _Call
    return kind(call_id(block.id), block.name, block.arguments)


def _thought(thoughts: list[Reasoning], proof: Opaque) -> _Reasoning:
    name = thoughts[0].id
    content = [_Part("reasoning_text", block.text) for block in thoughts if block.text and not block.summary]
    return _Reasoning(
        summary=[_Part("summary_text", block.text) for block in thoughts if block.summary],
        id=msgspec.UNSET if name is None else name,
        content=content or msgspec.UNSET,
        encrypted_content=msgspec.UNSET if is_null(proof.payload) else proof.payload,
    )


def _url(block: Image | File) -> str | None:
    """Base64 as a data URL, where its type is known."""
    if block.data is None or block.media_type is None:
        return f"data:image/png;base64,{block.data}" if isinstance(block, Image) and block.data else None
    return f"data:{block.media_type};base64,{block.data}"
