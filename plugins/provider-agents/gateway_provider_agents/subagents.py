"""Subagents: other agents as a tool, each asked something by itself and heard for its answer alone.

Source: danny-avila/agents `src/tools/SubagentTool.ts`, LibreChat `packages/api/src/agents/run.ts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from msgspec import Raw

from gateway import (
    Asker,
    BlockDelta,
    BlockStart,
    Call,
    Exchange,
    Finished,
    Message,
    Offer,
    ServerTool,
    Text,
    ToolCall,
    ToolOutcome,
    ToolResult,
    ToolSource,
)

from .handoffs import LABEL

TOOL, SELF = "subagent", "self"
TOLD = (
    "Gives a task to another agent, which does it by itself and sees nothing of this conversation: say all that it "
    "must know. What it answers in the end is the result. The agents are:"
)


class Subagents(ToolSource):
    """Of one agent in one run. whom: ids by what the model calls them; known: what is said of each."""

    name = "subagents"
    patient = True

    def __init__(self, exchange: Exchange, whom: Mapping[str, str], known: Mapping[str, str]) -> None:
        self._exchange = exchange
        self._whom = whom
        self._known = known

    @property
    def names(self) -> Sequence[str]:
        return (TOOL,) if self._whom else ()

    def owns(self, wanted: str) -> bool:
        return wanted == TOOL

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        return Offer(await self.listed(asker))

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        lines = [TOLD, *(f"- {name}: {self._known[name]}" for name in self._whom)]
        parameters = {
            "type": "object",
            "properties": {
                "description": {"type": "string", "description": "The task."},
                "subagent_type": {"type": "string", "enum": list(self._whom), "description": "Who does it."},
            },
            "required": ["description", "subagent_type"],
        }
        schema = Raw(msgspec.json.encode(parameters))
        return [ServerTool(TOOL, "\n".join(lines), schema, LABEL, TOOL, read_only=True)]

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        agent, task = self._whom.get(str(arguments.get("subagent_type"))), arguments.get("description")
        if agent is None or not isinstance(task, str) or not task.strip():
            words = f"Say a description and a subagent_type, which is one of: {', '.join(self._whom)}."
            return ToolOutcome((Text(words),), is_error=True)
        return await self._asked(agent, Call(agent, [Message("user", [Text(task)])]))

    async def _asked(self, agent: str, call: Call) -> ToolOutcome:
        """What it says behind its last tool. Raises GatewayError."""
        said, texts, ended = list[str](), set[int](), Finished()
        async with aclosing(self._exchange.ask(call, agent)) as events:
            async for event in events:
                match event:
                    case BlockStart(block=ToolCall() | ToolResult()):
                        said = []
                    case BlockStart(index=index, block=Text(text=text)):
                        texts.add(index)
                        said.append(text)
                    case BlockDelta(index=index, text=text) if index in texts:
                        said.append(text)
                    case Finished():
                        ended = event
        whole = ended.reason in ("stop", "stop_sequence")
        note = "" if whole else f"\n[It came to no end: {ended.detail or ended.reason}.]"
        return ToolOutcome((Text("".join(said) + note),), is_error=not whole)
