"""Tools that the gateway ran for a reply: hidden from clients, which would run them again, unless they ask.

`X-Gateway-Tools: show` adds members that only clients read that know them: `gateway_tool_calls` with the calls, and
`gateway_tool_results` with what they came to, in deltas or in the message. What is not asked for is no loss.
"""

from __future__ import annotations

from gateway import Block, Inbound, Text, ToolCall, ToolResult
from gateway.wire.jsontext import Members

CALLS, RESULTS = "gateway_tool_calls", "gateway_tool_results"
HEADER = "x-gateway-tools"


def wanted(inbound: Inbound) -> bool:
    return inbound.headers.get(HEADER, "").strip().lower() == "show"


class Ran:
    """Of one choice: which of its blocks are such calls, and what their arguments are so far."""

    def __init__(self, shows: bool) -> None:
        self.shows = shows
        self._open: dict[int, tuple[ToolCall, list[str]]] = {}
        self._ids: set[str] = set()

    def start(self, index: int, block: Block) -> Members | None:
        """What is told at once; None where the block is none of them."""
        if isinstance(block, ToolCall) and block.executor == "gateway":
            self._open[index] = (block, [block.arguments])
            self._ids.add(block.id)
            return {}
        if isinstance(block, ToolResult) and block.call_id in self._ids:
            self._open[index] = (ToolCall("", ""), [])
            return {RESULTS: [_result(block)]} if self.shows else {}
        return None

    def more(self, index: int, text: str) -> None:
        found = self._open.get(index)
        if found is not None:
            found[1].append(text)

    def stop(self, index: int) -> Members:
        """The call, now that it is whole."""
        call, pieces = self._open.pop(index, (ToolCall("", ""), []))
        return {CALLS: [_call(call, "".join(pieces))]} if self.shows and call.id else {}


def _call(call: ToolCall, arguments: str) -> Members:
    return {"id": call.id, "server_label": call.server, "name": call.name, "arguments": arguments}


def _result(result: ToolResult) -> Members:
    said = "".join(part.text for part in result.blocks if isinstance(part, Text))
    return {"id": result.call_id, "content": said, "is_error": result.is_error}
