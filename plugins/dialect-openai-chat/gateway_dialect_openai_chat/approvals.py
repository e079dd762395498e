"""Calls that a person is asked about: an extension, for clients that say that they know it.

`X-Gateway-Approval: ask` lets a reply end with `gateway_approval_requests` in its message, or in deltas. The message is
sent back as it came, and behind it, for each request, a message of role `tool` with its id as `tool_call_id` and
`gateway_approval`: `{"approve": true, "reason": "..."}`.
"""

from __future__ import annotations

from gateway import ApprovalResponse, Block, Inbound, ToolCall
from gateway.wire.members import FLAG, TEXT

from .fields import Fields

REQUESTS, ANSWER = "gateway_approval_requests", "gateway_approval"
HEADER = "x-gateway-approval"


def wanted(inbound: Inbound) -> bool:
    return inbound.headers.get(HEADER, "").strip().lower() == "ask"


def read_requests(fields: Fields) -> list[Block]:
    """Of an assistant's message."""
    return [_asked(request) for request in fields.each(REQUESTS)]


def read_answer(fields: Fields) -> ApprovalResponse | None:
    """Of a tool's message; None where it is a result."""
    said = fields.inner(ANSWER)
    if said is None:
        return None
    call_id = fields.need("tool_call_id", TEXT)
    return ApprovalResponse(call_id, said.need("approve", FLAG), said.take("reason", TEXT) or "")


def _asked(request: Fields) -> ToolCall:
    return ToolCall(
        request.need("id", TEXT),
        request.need("name", TEXT),
        request.take("arguments", TEXT) or "",
        executor="gateway",
        server=request.take("server_label", TEXT) or "",
        approval="asked",
    )
