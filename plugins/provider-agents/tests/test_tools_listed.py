"""/api/agents/tools: what agents can be given, of all kinds of tools that answer."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import gateway_provider_agents as plugin

from gateway import (
    MOUNT,
    Asker,
    Inbound,
    Offer,
    Operation,
    Principal,
    ServerTool,
    Services,
    Settings,
    Store,
    ToolOutcome,
    ToolSource,
    Unavailable,
)

ANN = Principal("usr_ann", "ADMIN", "ann")


class Files(ToolSource):
    """Its tools are for ann."""

    name = "files"

    def __init__(self, *, down: bool = False) -> None:
        self._down = down

    def owns(self, wanted: str) -> bool:
        return wanted.endswith("_mcp_files")

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        return Offer()

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        return ToolOutcome()

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        if self._down:
            raise Unavailable("The server does not answer.")
        if asker.principal != ANN or asker.headers != {"x-team": "blue"}:
            return ()
        return (ServerTool("look_mcp_files", "looks", label="Files", original="look"), ServerTool("web_search"))


async def test_all_that_the_caller_may_give_is_listed_and_one_that_is_away_is_left_out(
    store: Store, gateway_services: Services
) -> None:
    services = dataclasses.replace(gateway_services, store=store, tools=[Files(down=True), Files()])
    routes = plugin.register_routes(Settings({}, {}, frozenset()), services)
    [route] = [one for one in routes if one.path == "/api/agents/tools"]

    async def receive() -> bytes:
        return b""

    operation = Operation("state", "GET", route.path)
    inbound = Inbound(operation, MOUNT, {}, {}, {"x-team": "blue"}, "127.0.0.1", receive)
    answer = await route.handler(inbound, ANN)
    assert json.loads(answer.body) == [
        {"name": "look", "pluginKey": "look_mcp_files", "description": "looks", "label": "Files"},
        {"name": "web_search", "pluginKey": "web_search", "description": ""},
    ]
