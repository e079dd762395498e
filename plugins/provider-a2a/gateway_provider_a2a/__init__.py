"""Agents that speak A2A as upstreams.

section.py              the settings; agent.py: the endpoint, and how a call runs
card.py                 what an agent says of itself; cards.py: fetched and kept; security.py: where the key goes
eras.py                 how 1.0 and 0.3 write the same; rpc.py: questions and streams; failures.py: errors
question.py             a call to a message; conversation.py: whose context it goes on with
told.py                 what comes, of both eras; answer.py: as events
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway import Provider, Section, Services, Settings, hookimpl

from .section import A2aAgent


@hookimpl
def register_sections() -> Sequence[Section]:
    return (Section("gateway.provider-a2a[]", A2aAgent),)


@hookimpl
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:
    if not settings.many(A2aAgent):
        return ()
    from .agents import agents

    return agents(settings, services)
