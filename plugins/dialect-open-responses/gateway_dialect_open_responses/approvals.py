"""`mcp_approval_request` and `mcp_approval_response`: calls that wait for a person's word, and what they say.

Source: OpenAI, `McpApprovalRequest` and `McpApprovalResponse`. The specification has no such items; a request comes
whole.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import ApprovalResponse, ToolCall
from gateway.wire import rounds
from gateway.wire.jsontext import raw
from gateway.wire.members import FLAG, TEXT, Members

from .output import Item

REQUEST, RESPONSE = "mcp_approval_request", "mcp_approval_response"
PREFIX = "mcpr"


class _Request(msgspec.Struct, tag=REQUEST):
    id: str
    server_label: str
    name: str
    arguments: str
    status: str


class RequestItem(Item):
    def __init__(self, index: int, seed: str, block: ToolCall) -> None:
        super().__init__(PREFIX, index, seed)
        self.id = request_id(block.id)
        self._call = block

    def value(self, status: str) -> Raw:
        call = self._call
        return raw(_Request(self.id, call.server, call.name, call.arguments, status))


def request_id(call_id: str) -> str:
    return rounds.shown(PREFIX, call_id)


def read_request(members: Members) -> ToolCall | None:
    """None for one of another server's."""
    call_id = _ours(members, "id")
    if call_id is None:
        return None
    return ToolCall(
        call_id,
        members.need("name", TEXT),
        members.take("arguments", TEXT) or "",
        executor="gateway",
        server=members.take("server_label", TEXT) or "",
        approval="asked",
    )


def read_response(members: Members) -> ApprovalResponse | None:
    """The same."""
    call_id = _ours(members, "approval_request_id")
    if call_id is None:
        return None
    approve = members.need("approve", FLAG)
    return ApprovalResponse(call_id, approve, members.take("reason", TEXT) or "")


def _ours(members: Members, name: str) -> str | None:
    given = members.seen(name)
    found = rounds.ours(PREFIX, TEXT.read(given, members.at(name))) if given is not None else None
    return None if found is None else found[0]
