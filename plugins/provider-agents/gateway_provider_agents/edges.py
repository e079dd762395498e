"""Edges: how agents of one run follow one another.

Source: danny-avila/agents `src/graphs/MultiAgentGraph.ts`, LibreChat `packages/api/src/agents/{edges,chain}.ts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import msgspec
from msgspec import Struct

from .section import AgentSettings, EdgeSettings, Ids

RESULTS = "{results}"
"""Stands in a prompt for what the agents before have said."""
PREFIX = "lc_transfer_to_"
"""Of the tools by which models hand over."""
_KNOWN = ("to", "from", "edgeType", "description", "prompt", "promptKey", "excludeResults")


class Edge(Struct, frozen=True):
    """direct: all of `targets` go on once all of `sources` have ended, else the model of one of these may hand over.

    prompt: of a handoff, what is said of the tool's parameter `key`; of a direct edge, what is asked. excludes: whether
    that is all that targets are told of the run.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    direct: bool
    description: str = ""
    prompt: str = ""
    key: str = "instructions"
    excludes: bool = False

    @property
    def name(self) -> str:
        """Two of one name are one edge, as those that several agents have of the same."""
        kind = "direct" if self.direct else "handoff"
        return f"{'|'.join(sorted(self.sources))}=>{'|'.join(sorted(self.targets))}::{kind}"


def edges_of(agent: AgentSettings) -> tuple[Edge, ...]:
    """Those that it has, and the chain that `agent_ids` are."""
    own = [_edge(edge, agent.id) for edge in agent.edges]
    chain = [
        Edge((before,), (after,), True, prompt=RESULTS, excludes=True)
        for before, after in pairwise((agent.id, *agent.agent_ids))
    ]
    return tuple({edge.name: edge for edge in reversed([*own, *chain])}.values())[::-1]


def kept_edges(extra: Mapping[str, Any]) -> tuple[EdgeSettings, ...]:
    """Of an agent's document; what is none is passed over."""
    found = extra.get("edges")
    read = [_read(edge) for edge in found] if isinstance(found, list) else []
    return tuple(edge for edge in read if edge is not None)


def _read(edge: Any) -> EdgeSettings | None:
    if not isinstance(edge, dict):
        return None
    said = {name: edge[name] for name in _KNOWN if edge.get(name) not in (None, "", [])}
    try:
        return msgspec.convert(said, EdgeSettings)
    except msgspec.ValidationError:
        return None


def _edge(given: EdgeSettings, own: str) -> Edge:
    sources, targets = _ids(given.from_ or own), _ids(given.to)
    several = len(sources) == 1 and len(targets) > 1
    excludes = RESULTS in given.prompt if given.exclude_results is None else given.exclude_results
    return Edge(
        sources,
        targets,
        several if given.edge_type is None else given.edge_type == "direct",
        given.description,
        given.prompt,
        given.prompt_key,
        bool(given.prompt) and excludes,
    )


def _ids(given: Ids) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))
