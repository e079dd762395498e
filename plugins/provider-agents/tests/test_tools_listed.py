"""/api/agents/tools: what agents can be given, of all kinds of tools that answer."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import gateway_provider_agents as plugin
from gateway_provider_agents.run_settings import LibreChatAgents, ToolApproval

from gateway import (
    MOUNT,
    Asker,
    Inbound,
    Offer,
    Operation,
    Principal,
    RemotePermissions,
    Role,
    RolePermissions,
    ServerTool,
    Services,
    Settings,
    Store,
    Text,
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


def asked(method: str, path: str, name: str, body: bytes = b"") -> Inbound:
    async def receive() -> bytes:
        return body

    return Inbound(Operation("state", method, path), MOUNT, {"id": name}, {}, {}, "127.0.0.1", receive)


class Adder(ToolSource):
    """Adds, for who has given a key."""

    name = "adder"

    def owns(self, wanted: str) -> bool:
        return wanted.endswith("_mcp_adder")

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        if asker.principal != ANN:
            return Offer(missing=dict.fromkeys(wanted, "it needs KEY of who calls"))
        return Offer([ServerTool(name) for name in wanted])

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        return ToolOutcome([Text(str(sum(arguments["these"])))], is_error=arguments["these"] == [])

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        return ()


async def test_a_tool_is_called_by_itself_where_it_is_allowed(store: Store, gateway_services: Services) -> None:
    services = dataclasses.replace(gateway_services, store=store, tools=[Adder()])
    rules = LibreChatAgents(tool_approval=ToolApproval(enabled=True, mode="bypass", deny=("drop_*",)))
    settings = Settings({LibreChatAgents: rules}, {}, frozenset())
    routes = {(one.method, one.path): one.handler for one in plugin.register_routes(settings, services)}
    bob = Principal("usr_bob", "USER", "bob")

    async def go(method: str, part: str, name: str, body: bytes = b"", who: Principal = ANN) -> tuple[int, Any]:
        path = f"/api/agents/tools/{{id}}/{part}"
        answer = await routes[method, path](asked(method, path, name, body), who)
        return answer.status, json.loads(answer.body)

    these = b'{"these": [1, 2], "messageId": "m", "conversationId": "c"}'
    assert await go("GET", "auth", "add_mcp_adder") == (200, {"authenticated": True, "message": "system_defined"})
    status, told = await go("GET", "auth", "add_mcp_adder", who=bob)
    assert (status, told["authenticated"], told["reason"]) == (200, False, "it needs KEY of who calls")
    assert await go("POST", "call", "add_mcp_adder", these) == (200, {"result": "3", "attachments": []})
    assert (await go("POST", "call", "add_mcp_adder", b'{"these": []}'))[0] == 502
    assert (await go("POST", "call", "drop_mcp_adder", these))[0] == 403
    assert (await go("POST", "call", "add_mcp_adder", these, who=bob))[0] == 404
    assert (await go("GET", "auth", "gone"))[0] == (await go("POST", "call", "gone"))[0] == 404
    guest = Principal("usr_eve", "GUEST", "eve")
    assert store.roles is not None
    RolePermissions.of(settings, services).put([Role("GUEST", agents=RemotePermissions(create=False))])
    assert (await go("POST", "call", "add_mcp_adder", these, who=guest))[0] == 403
    path = "/api/agents/tools/calls"
    assert json.loads((await routes["GET", path](asked("GET", path, ""), ANN)).body) == []
