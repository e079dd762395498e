"""LibreChat's list of agents, as one key sees it.

Source: LibreChat `api/server/controllers/agents/openai.js`, `ListModelsController`.
"""

from __future__ import annotations

import msgspec

from gateway import Model

from .names import OWNER


class _Agent(msgspec.Struct):
    id: str
    name: str | None = None
    description: str | None = None
    created: float | None = None


class _List(msgspec.Struct):
    kind: str = msgspec.field(name="object")
    data: list[_Agent]


_list = msgspec.json.Decoder(_List)


def agents(body: bytes) -> tuple[Model, ...]:
    """Raises msgspec.MsgspecError where it is anything else, as a page for people is."""
    found = _list.decode(body)
    if found.kind != "list":
        raise msgspec.ValidationError("it is no list")
    return tuple(_model(agent) for agent in found.data if agent.id)


def _model(agent: _Agent) -> Model:
    created = agent.created or 0
    return Model(
        agent.id,
        agent.name or agent.id,
        agent.description or "",
        OWNER,
        int(created) if 0 < created < 2**53 else 0,
        agent=True,
    )
