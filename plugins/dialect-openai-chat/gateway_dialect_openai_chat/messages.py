"""A client's messages to canonical ones.

Legacy `function_call` and messages of role `function` become tool calls and tool results; their ids, which that
interface does not have, are minted from the position.
"""

from __future__ import annotations

from typing import get_args

from gateway import (
    ApprovalResponse,
    Audio,
    BadCall,
    Block,
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
from gateway.call import Role
from gateway.wire.members import TEXT

from . import approvals, parts, proofs
from .fields import Fields
from .proofs import NAME

_ROLES = (*get_args(Role), "function")
_PLAIN: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user"}


class MessageReader:
    """Reads a conversation from its first message on; remembers what later messages refer to.

    approvals: what it said to calls that it was asked about, since the model spoke last.
    """

    def __init__(self) -> None:
        self.approvals: list[ApprovalResponse] = []
        self._custom: set[str] = set()
        self._legacy: dict[str, str] = {}

    def read(self, at: int, fields: Fields) -> Message | None:
        """None for what is no message of the conversation's."""
        role = fields.need("role", TEXT)
        name = fields.take("name", TEXT)
        if role == "assistant":
            self.approvals = []
            return Message("assistant", self._assistant(at, fields), name, extra=fields.others())
        if role == "tool" and (answer := approvals.read_answer(fields)) is not None:
            self.approvals.append(answer)
            return None
        if role == "tool":
            return Message("tool", [self._tool(fields)], name, extra=fields.others())
        if role == "function":
            return Message("tool", [self._function(at, name, fields)], extra=fields.others())
        if plain := _PLAIN.get(role):
            return Message(plain, parts.content(fields), name, extra=fields.others())
        raise fields.wrong("role", f"must be one of {', '.join(_ROLES)}")

    def _assistant(self, at: int, fields: Fields) -> list[Block]:
        carried = proofs.read(fields.raw(proofs.DETAILS))
        blocks: list[Block] = [*_thoughts(fields, carried)]
        content = parts.content(fields)
        if refusal := fields.take("refusal", TEXT):
            content.append(Refusal(refusal))
        if audio := fields.inner("audio"):
            content.append(Audio(id=audio.need("id", TEXT), extra=audio.others()))
        calls: list[Block] = [self._call(call) for call in fields.each("tool_calls")]
        if legacy := fields.inner("function_call"):
            calls.append(self._legacy_call(at, legacy))
        calls += approvals.read_requests(fields)
        if calls and content == [Text()]:
            content = []
        _prove_calls(calls, carried)
        _prove_text(content, carried.text or _signature(fields))
        return blocks + content + calls

    def _call(self, fields: Fields) -> ToolCall:
        """`index` comes from streams put together by hand; the call's place says it."""
        identity = fields.need("id", TEXT)
        kind = fields.take("type", TEXT) or "function"
        fields.raw("index")
        if kind == "function":
            function = fields.needed_inner("function")
            name, arguments = function.need("name", TEXT), function.take("arguments", TEXT) or ""
            proof = _signature(fields, "call")
            return ToolCall(identity, name, arguments, extra=fields.others("function", function), proof=proof)
        if kind == "custom":
            self._custom.add(identity)
            custom = fields.needed_inner("custom")
            name, text = custom.need("name", TEXT), custom.take("input", TEXT) or ""
            return ToolCall(identity, name, text, "custom", extra=fields.others("custom", custom))
        raise fields.wrong("type", "must be function or custom")

    def _legacy_call(self, at: int, fields: Fields) -> ToolCall:
        name, arguments = fields.need("name", TEXT), fields.take("arguments", TEXT) or ""
        self._legacy[name] = f"call_legacy_{at}"
        return ToolCall(self._legacy[name], name, arguments, extra=Fields({}, "").others("function", fields))

    def _tool(self, fields: Fields) -> ToolResult:
        identity = fields.need("tool_call_id", TEXT)
        return ToolResult(identity, _results(fields), kind="custom" if identity in self._custom else "function")

    def _function(self, at: int, name: str | None, fields: Fields) -> ToolResult:
        if name is None:
            path = fields.at("name")
            raise BadCall(f"`{path}` is required: the function's name.", code="missing_required_parameter", param=path)
        return ToolResult(self._legacy.get(name, f"call_legacy_{at}"), _results(fields))


def _results(fields: Fields) -> list[Text | Image | File | Audio | Opaque]:
    found: list[Text | Image | File | Audio | Opaque] = []
    for at, block in enumerate(parts.content(fields)):
        if not isinstance(block, Text | Image | File | Audio):
            path = f"{fields.at('content')}[{at}].type"
            raise BadCall(f"`{path}` must be text in a tool's result.", code="invalid_value", param=path)
        found.append(block)
    return found


def _thoughts(fields: Fields, carried: proofs.Carried) -> list[Reasoning]:
    """Reasoning that the client sends back, under whichever of its names; OpenRouter's details are its proof."""
    text = fields.take("reasoning_content", TEXT)
    text = (fields.take("reasoning", TEXT) if text is None else text) or ""
    return proofs.thoughts(text, carried)


def _signature(fields: Fields, form: str = "text") -> Opaque | None:
    """Google's, in the client's own words."""
    content = fields.seen(proofs.CONTENT)
    if content is None or not proofs.signed(content):
        return None
    fields.raw(proofs.CONTENT)
    return Opaque(NAME, form, content)


def _prove_calls(calls: list[Block], carried: proofs.Carried) -> None:
    """A proof whose call the client took out has nothing left to prove."""
    for call in calls:
        if isinstance(call, ToolCall):
            call.proof = carried.calls.get(call.id) or call.proof
    if calls and isinstance(last := calls[-1], ToolCall):
        last.proof = carried.calls.get("") or last.proof


def _prove_text(content: list[Block], proof: Opaque | None) -> None:
    if proof is None:
        return
    texts = [block for block in content if isinstance(block, Text)]
    if not texts:
        content.append(Text(proof=proof))
    else:
        texts[-1].proof = proof
