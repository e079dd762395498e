"""Who may call agents, and that the list of models shows exactly that."""

from __future__ import annotations

from typing import cast

import gateway_permission_remote_agents
import pytest
from gateway_permission_remote_agents.permission import RemoteAgentsPermission

from gateway import (
    AGENTS_MOUNT,
    MOUNT,
    Edit,
    Exchange,
    Forbidden,
    Inbound,
    Model,
    Mount,
    Operation,
    Principal,
    RemoteAgents,
    RolePermissions,
    Route,
    ServerDialect,
    Services,
    Settings,
)

ADMIN, USER, CUSTOM = (Principal(user_id="u", role=role) for role in ("ADMIN", "USER", "MODERATOR"))
AGENT = Route("helper", (), Edit("m"), agent="agent_1")
RAW = Route("openai/m", (), Edit("m"))


def inbound(mount: Mount) -> Inbound:
    async def nothing() -> bytes:
        return b""

    return Inbound(Operation("generate", "POST", "/x"), mount, {}, {}, {}, "192.0.2.1", nothing)


def exchange(mount: Mount, principal: Principal, route: Route | None) -> Exchange:
    return Exchange(inbound(mount), cast("ServerDialect", None), principal=principal, route=route)


async def allowed(use: bool, mount: Mount, principal: Principal, route: Route | None) -> bool:
    permission = RemoteAgentsPermission(RolePermissions(RemoteAgents(use=use)))
    try:
        assert await permission.check(exchange(mount, principal, route), None) is None
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize("mount", [AGENTS_MOUNT, MOUNT])
@pytest.mark.parametrize("route", [AGENT, RAW, None])
@pytest.mark.parametrize("use", [True, False])
async def test_admins_may_always(use: bool, mount: Mount, route: Route | None) -> None:
    assert await allowed(use, mount, ADMIN, route)


@pytest.mark.parametrize("principal", [USER, CUSTOM])
@pytest.mark.parametrize("use", [True, False])
@pytest.mark.parametrize(
    ("mount", "route", "asks"),
    [
        (AGENTS_MOUNT, AGENT, True),
        (AGENTS_MOUNT, None, True),
        (MOUNT, AGENT, True),
        (MOUNT, RAW, False),
        (MOUNT, None, False),
    ],
)
async def test_others_need_use_for_agents_and_for_the_agents_mount(
    use: bool, mount: Mount, route: Route | None, asks: bool, principal: Principal
) -> None:
    assert await allowed(use, mount, principal, route) is (use or not asks)


async def test_the_refusal_names_the_setting() -> None:
    with pytest.raises(Forbidden, match=r"interface\.remoteAgents\.use") as caught:
        await RemoteAgentsPermission(RolePermissions(RemoteAgents())).check(exchange(MOUNT, USER, AGENT), None)
    assert (caught.value.status, caught.value.code) == (403, "access_denied")


@pytest.mark.parametrize("principal", [ADMIN, USER, CUSTOM])
@pytest.mark.parametrize("use", [True, False])
@pytest.mark.parametrize(("mount", "agent"), [(AGENTS_MOUNT, True), (MOUNT, True), (MOUNT, False)])
async def test_what_is_visible_is_what_may_be_called(
    use: bool, mount: Mount, agent: bool, principal: Principal
) -> None:
    permission = RemoteAgentsPermission(RolePermissions(RemoteAgents(use=use)))
    visible = permission.visible(inbound(mount), principal, Model("m", agent=agent))
    assert visible is await allowed(use, mount, principal, AGENT if agent else RAW)


def test_without_settings_nothing_is_granted(gateway_services: Services) -> None:
    [permission] = gateway_permission_remote_agents.register_permissions(
        Settings({}, {}, frozenset()), gateway_services
    )
    assert permission.scope == "exchange"
    assert not permission.visible(inbound(MOUNT), USER, Model("m", agent=True))


def test_settings_reach_the_permission(gateway_services: Services) -> None:
    settings = Settings({RemoteAgents: RemoteAgents(use=True)}, {}, frozenset())
    [permission] = gateway_permission_remote_agents.register_permissions(settings, gateway_services)
    assert permission.visible(inbound(MOUNT), USER, Model("m", agent=True))
    assert [section.path for section in gateway_permission_remote_agents.register_sections()] == [
        "interface.remoteAgents",
        "interface",
        "interface.mcpServers",
    ]
