"""`input` to Messages: items of the assistant in a row become one message, its blocks in their order.

An item's `id` only names it: no loss to dialects without such names. Nobody reads the `status` of what comes back.
"""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Raw, Struct

from gateway import (
    ApprovalResponse,
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
from gateway.wire import rounds
from gateway.wire.jsontext import NULL, first, raw
from gateway.wire.members import TEXT, Members

from . import approvals, mcp_items, proofs
from .members import NAME

ROLES: dict[str, Literal["user", "system", "developer", "assistant"]] = {
    "user": "user",
    "system": "system",
    "developer": "developer",
    "assistant": "assistant",
}
_DATA_URL = re.compile(r"data:([^,]*?);base64,", re.IGNORECASE)


class Input(Struct):
    """approvals: what was said to calls that were asked about, since the model spoke last."""

    messages: list[Message] = []
    approvals: list[ApprovalResponse] = []


def decode_input(value: Raw | None) -> Input:
    """Raises BadCall with the path of what is wrong."""
    if value is None:
        return Input()
    if first(value) == b'"':
        return Input([Message("user", [Text(TEXT.read(value, "input"))])])
    if first(value) != b"[":
        raise BadCall("`input` must be a string or an array of items.", param="input", code="invalid_type")
    reader = _Reader()
    items = Members({"input": value}).array("input")
    for n, item in enumerate(items):
        reader.item(item, f"input[{n}]")
    return Input([turn for message in reader.messages for turn in rounds.apart(message)], reader.approvals)


class _Reader:
    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.approvals: list[ApprovalResponse] = []
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
        elif kind == mcp_items.KIND and (ran := mcp_items.read(members)) is not None:
            self._said(*ran)
        elif kind == approvals.REQUEST and (asked := approvals.read_request(members)) is not None:
            self._said(asked)
        elif kind == approvals.RESPONSE and (answer := approvals.read_response(members)) is not None:
            self._turn = None
            self.approvals.append(answer)
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._result(members, kind == "custom_tool_call_output")
        elif (state := proofs.unpacked(members.seen(proofs.ENCRYPTED))) is not None:
            self._carried(members, kind, state)
        elif kind == "reasoning":
            blocks = _reasoning(members)
            self._said(*(blocks if not members.given() else [Opaque(NAME, "item", value)]))
        elif kind.endswith(("_output", "_response")):
            self._other(Message("tool", [Opaque(NAME, "item", value)]))
        else:
            self._said(Opaque(NAME, "item", value))

    def _message(self, members: Members) -> None:
        role = ROLES.get(members.need("role", TEXT))
        if role is None:
            raise members.wrong("role", "must be user, system, developer or assistant")
        if role == "assistant":
            self._answer(members)
        else:
            blocks, name = _content(members), members.take("id", TEXT)
            self._other(Message(role, blocks, extra=members.given(), item_id=name))

    def _answer(self, members: Members) -> None:
        blocks = _content(members)
        turn = self._assistant(fresh=self._spoke)
        turn.blocks += blocks
        turn.phase = members.take("phase", TEXT)
        turn.item_id = members.take("id", TEXT)
        turn.extra = members.given()
        self._spoke = True

    def _carried(self, members: Members, kind: str, state: Opaque) -> None:
        """State of others. What belongs to a text or a call stands behind it; without that it proves nothing."""
        before = reversed(self._turn.blocks) if self._turn is not None else ()
        last = next((block for block in before if not isinstance(block, ToolResult)), None)
        if state.form == "text":
            if isinstance(last, Text):
                last.proof = state
        elif state.form == "call":
            if isinstance(last, ToolCall):
                last.proof = state
        elif kind != "reasoning" or state.form == proofs.ITEM:
            self._said(state)
        else:
            thoughts = _thoughts(members)
            thoughts[-1].proof = state
            self._said(*thoughts)

    def _said(self, *blocks: Block) -> None:
        self._assistant().blocks += blocks

    def _assistant(self, fresh: bool = False) -> Message:
        """The assistant's turn that is under way. Two message items are two messages."""
        self.approvals = []
        if self._turn is None or fresh:
            self._turn = Message("assistant")
            self._spoke = False
            self.messages.append(self._turn)
        return self._turn

    def _other(self, message: Message) -> None:
        self._turn = None
        self.messages.append(message)

    def _result(self, members: Members, custom: bool) -> None:
        result = ToolResult(
            members.need("call_id", TEXT), blocks=_output(members), kind="custom" if custom else "function"
        )
        name = members.take("id", TEXT)
        self._other(Message("tool", [result], extra=members.given(), item_id=name))


def _kind(members: Members) -> str:
    kind = members.take("type", TEXT)
    if kind is not None:
        return kind
    if members.seen("role") is not None:
        return "message"
    if members.seen("id") is not None:
        return "item_reference"
    raise members.wrong("type", "is required", "missing_required_parameter")


def _call(members: Members, argument: str, custom: bool = False) -> ToolCall:
    call = ToolCall(
        members.need("call_id", TEXT),
        members.need("name", TEXT),
        members.take(argument, TEXT) or "",
        kind="custom" if custom else "function",
        item_id=members.take("id", TEXT),
    )
    call.extra = members.given()
    return call


def _reasoning(members: Members) -> list[Reasoning]:
    """One block for each summary part, one for the thoughts; the last one carries the proof.

    An item without `encrypted_content` is proved by its id: the upstream has it stored. Its proof is `null`.
    """
    blocks = _thoughts(members)
    secret = members.raw(proofs.ENCRYPTED)
    if secret is not None or blocks[-1].id is not None:
        blocks[-1].proof = Opaque(NAME, proofs.FORM, secret or NULL)
    return blocks


def _thoughts(members: Members) -> list[Reasoning]:
    name = members.take("id", TEXT)
    blocks = [Reasoning(text, True, name) for text in _texts(members, "summary")]
    blocks += [Reasoning(text, False, name) for text in _texts(members, "content")]
    return blocks or [Reasoning(id=name)]


def _texts(members: Members, name: str) -> list[str]:
    path = members.at(name)
    return [Members.of(part, f"{path}[{n}]").take("text", TEXT) or "" for n, part in enumerate(members.array(name))]


def _content(members: Members) -> list[Block]:
    value = members.seen("content")
    if value is not None and first(value) == b'"':
        return [Text(members.need("content", TEXT))]
    path = members.at("content")
    return [_part(part, f"{path}[{n}]") for n, part in enumerate(members.array("content"))]


def _output(members: Members) -> list[Text | Image | File | Audio | Opaque]:
    value = members.seen("output")
    if value is not None and first(value) == b'"':
        return [Text(members.need("output", TEXT))]
    path = members.at("output")
    parts = [_part(part, f"{path}[{n}]") for n, part in enumerate(members.array("output"))]
    return [_result_block(part) for part in parts]


def _result_block(part: Block) -> Text | Image | File | Audio:
    """A part that results have no block for (video) rides in a document's extra members, its `type` among them."""
    if isinstance(part, (Text, Image, File, Audio)):
        return part
    if isinstance(part, Opaque):
        return File(extra=Members.of(part.payload, "output").given())
    return Text(part.text if isinstance(part, Refusal) else "")


def _part(value: Raw, path: str) -> Block:
    members = Members.of(value, path)
    kind = members.need("type", TEXT)
    if kind in ("input_text", "output_text", "text"):
        return Text(members.need("text", TEXT), extra=_marks(members))
    if kind == "refusal":
        refusal = Refusal(members.need("refusal", TEXT))
        return refusal if not members.given() else Opaque(NAME, "part", value)
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
        for name, value in members.given().items()
        if not (name in ("annotations", "logprobs") and bytes(value) == b"[]")
    }


def _image(members: Members) -> Image:
    url, media_type, data = _source(members.take("image_url", TEXT))
    return Image(
        url, data, media_type, members.take("file_id", TEXT), members.take("detail", TEXT), extra=members.given()
    )


def _file(members: Members) -> File:
    plain, media_type, data = _source(members.take("file_data", TEXT))
    return File(
        url=members.take("file_url", TEXT),
        data=plain if data is None else data,
        media_type=media_type,
        file_id=members.take("file_id", TEXT),
        filename=members.take("filename", TEXT),
        extra=members.given(),
    )


def _source(text: str | None) -> tuple[str | None, str | None, str | None]:
    """(what is no data URL, media type, base64 of a data URL)"""
    if text is None:
        return None, None, None
    match = _DATA_URL.match(text)
    if match is None:
        return text, None, None
    return None, match[1].partition(";")[0] or None, text[match.end() :]


def _audio(members: Members) -> Audio:
    inner = members.inner("input_audio")
    if inner is None:
        raise members.wrong("input_audio", "is required", "missing_required_parameter")
    block = Audio(data=inner.take("data", TEXT), format=inner.take("format", TEXT))
    block.extra = members.given() | ({"input_audio": raw(rest)} if (rest := inner.given()) else {})
    return block
