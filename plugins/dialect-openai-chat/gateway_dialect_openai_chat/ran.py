"""Tools that the gateway or its upstream ran for a reply: hidden from clients, which would run them again, unless they
ask.

`X-Gateway-Tools: show` adds members that only clients read that know them: `gateway_tool_calls` with the calls, and
`gateway_tool_results` with what they came to, in deltas or in the message. What is not asked for is no loss.
"""

from __future__ import annotations

from collections import Counter

from gateway import Block, Inbound, Text, ToolCall, ToolResult
from gateway.wire.jsontext import Members

from .approvals import REQUESTS

CALLS, RESULTS = "gateway_tool_calls", "gateway_tool_results"
HEADER = "x-gateway-tools"


def wanted(inbound: Inbound) -> bool:
    return inbound.headers.get(HEADER, "").strip().lower() == "show"


class Ran:
    """Of one choice: which of its blocks are such calls, and what their arguments are so far.

    streams: entries have an `index`, by which SDKs put lists of deltas together.
    """

    def __init__(self, shows: bool, streams: bool = False) -> None:
        self.shows = shows
        self._streams = streams
        self._told: Counter[str] = Counter()
        self._open: dict[int, tuple[ToolCall, list[str]]] = {}
        self._ids: set[str] = set()

    def start(self, index: int, block: Block) -> Members | None:
        """What is told at once; None where the block is none of them."""
        if isinstance(block, ToolCall) and block.executor != "client":
            self._open[index] = (block, [block.arguments])
            self._ids.add(block.id)
            return {}
        if isinstance(block, ToolResult) and block.call_id in self._ids:
            self._open[index] = (ToolCall("", ""), [])
            return self._entry(RESULTS, _result(block)) if self.shows else {}
        return None

    def more(self, index: int, text: str) -> None:
        found = self._open.get(index)
        if found is not None:
            found[1].append(text)

    def stop(self, index: int) -> Members:
        """The call, now that it is whole."""
        call, pieces = self._open.pop(index, (ToolCall("", ""), []))
        if call.approval == "asked":
            return self._entry(REQUESTS, _call(call, "".join(pieces)))
        return self._entry(CALLS, _call(call, "".join(pieces))) if self.shows and call.id else {}

    def _entry(self, name: str, entry: Members) -> Members:
        number, self._told[name] = self._told[name], self._told[name] + 1
        return {name: [{"index": number, **entry} if self._streams else entry]}


def _call(call: ToolCall, arguments: str) -> Members:
    return {"id": call.id, "server_label": call.server, "name": call.name, "arguments": arguments}


def _result(result: ToolResult) -> Members:
    said = "".join(part.text for part in result.blocks if isinstance(part, Text))
    return {"id": result.call_id, "content": said, "is_error": result.is_error}
