"""Handoffs: the tools by which an agent's model hands the conversation over to other agents.

Source: danny-avila/agents `src/graphs/MultiAgentGraph.ts`, `createHandoffToolsForEdge`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from gateway import Asker, Offer, ServerTool, Text, ToolOutcome, ToolSource

from .edges import PREFIX, Edge
from .graph import Graph

LABEL = "agents"
LONGEST = 64
_STRANGE = re.compile(r"[^A-Za-z0-9_-]")


class Handover(Struct, frozen=True):
    """What a model has asked for. instructions: for the other agent, "" where there are none."""

    agent: str
    instructions: str = ""


class Handoffs(ToolSource):
    """Of one agent in one run. made: by its model, in their order."""

    name = "handoffs"

    def __init__(self, graph: Graph, agent: str) -> None:
        self.made: list[Handover] = []
        self._ways: dict[str, tuple[Edge, str]] = {}
        self._graph = graph
        for edge, target in graph.handoffs(agent):
            self._ways[self._named(target)] = (edge, target)

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._ways)

    def owns(self, wanted: str) -> bool:
        return wanted in self._ways

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        return Offer([self._tool(name) for name in wanted])

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        edge, target = self._ways[tool.name]
        said = arguments.get(edge.key) if edge.prompt else None
        self.made.append(Handover(target, said.strip() if isinstance(said, str) else ""))
        return ToolOutcome((Text(f"{self._graph.members[target].name} goes on from here."),))

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        return [self._tool(name) for name in self._ways]

    def _named(self, target: str) -> str:
        name = (PREFIX + _STRANGE.sub("_", target))[:LONGEST]
        return name if name not in self._ways else f"{name[: LONGEST - 4]}_{len(self._ways)}"

    def _tool(self, name: str) -> ServerTool:
        edge, target = self._ways[name]
        known = {edge.key: {"type": "string", "description": edge.prompt}} if edge.prompt else {}
        schema = Raw(msgspec.json.encode({"type": "object", "properties": known}))
        return ServerTool(name, edge.description or self._told(target), schema, LABEL, name, read_only=True)

    def _told(self, target: str) -> str:
        member = self._graph.members[target]
        whom = f"Hands the conversation over to the agent {member.name}."
        return f"{whom} {member.description}".rstrip()
