"""Agents of the configuration among those of the store, in pages."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import gateway_provider_agents as plugin
from gateway_provider_agents.section import AgentSettings

from gateway import MOUNT, Agent, Inbound, Operation, Principal, Services, Settings, Store

ANN = Principal("usr_ann", "ADMIN", "ann")


async def test_they_are_as_old_as_their_configuration_and_pages_go_on_after_them(
    store: Store, gateway_services: Services
) -> None:
    assert store.agents is not None
    for agent_id, updated in (("agent_old", 1_600_000_000.0), ("agent_new", 1_800_000_000.0)):
        await store.agents.put(Agent(agent_id, author="usr_ann", created=1.0, updated=updated))
    of_file = tuple(AgentSettings(id=f"agent_file_{name}", endpoint="echo", model="echo") for name in "ab")
    settings = Settings({AgentSettings: of_file}, {}, frozenset(), written=1_700_000_000.25)
    services = dataclasses.replace(gateway_services, store=store)
    [route] = [
        one for one in plugin.register_routes(settings, services) if (one.method, one.path) == ("GET", "/api/agents")
    ]

    async def receive() -> bytes:
        return b""

    found: list[Any] = []
    query = {"limit": "1"}
    while True:
        operation = Operation("state", "GET", route.path)
        page = json.loads((await route.handler(Inbound(operation, MOUNT, {}, query, {}, "", receive), ANN)).body)
        found += page["data"]
        if not page["has_more"]:
            break
        query = {"limit": "1", "cursor": page["after"]}
    assert [one["id"] for one in found] == ["agent_new", "agent_file_a", "agent_file_b", "agent_old"]
    assert {one["updatedAt"] for one in found[1:3]} == {"2023-11-14T22:13:20.250Z"}
