"""Routes as names: who finds them, who sees them, and what is wrong with their settings."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway import (
    AGENTS_MOUNT,
    MOUNT,
    Finding,
    Inbound,
    Operation,
    Principal,
    Provider,
    Target,
    Timeouts,
    UnknownModel,
)
from gateway.errors import Forbidden
from gateway.pipeline.breakers import Breakers
from gateway.pipeline.named import NamedRoutes
from gateway.settings import Core

ADMIN = Principal(user_id="u1", role="ADMIN")
ALICE = Principal(user_id="u2", role="USER", name="alice")
BOB = Principal(user_id="u3", role="TEAM", name="bob")


class Far(Provider):
    dialects = ("toy",)

    def __init__(self, endpoint: str, unavailable: str | None = None) -> None:
        self.endpoint, self.unavailable = endpoint, unavailable

    def target(self, model: str) -> Target:
        if model == "none":
            raise UnknownModel("There is no such deployment.")
        return super().target(model)


def named(*routes: Any, shadowing: Any = (), state: Any = None, **core: Any) -> NamedRoutes:
    endpoints = {name: Far(name, "no key" if name == "shut" else None) for name in ("near", "far", "a/b", "shut")}
    settings = msgspec.convert({"routes": list(routes), **core}, Core)
    return NamedRoutes(settings, endpoints, Breakers.of({} if state is None else state), shadowing)


def route(*models: str, name: str = "smart", **options: Any) -> Any:
    return {"name": name, "targets": [{"model": model} for model in models], **options}


def inbound(agents_only: bool = False) -> Inbound:
    async def nothing() -> bytes:
        return b""

    mount = AGENTS_MOUNT if agents_only else MOUNT
    return Inbound(Operation("generate", "POST", "/toy"), mount, {}, {}, {}, "127.0.0.1", nothing)


def told(routes: NamedRoutes) -> list[tuple[str, str]]:
    return [(finding.path, finding.level) for finding in routes.findings()]


async def test_a_route_leads_to_its_targets_in_their_order() -> None:
    routes = named(route("far/m", "a/b/c/d", "NEAR/x"))
    found = await routes.find(inbound(), "smart", ADMIN)
    assert found is not None
    assert [(one.endpoint, one.model) for one in found.targets] == [("far", "m"), ("a/b", "c/d"), ("near", "x")]
    assert found.domains == 3
    assert list(routes.findings()) == []


async def test_it_is_for_admins_and_for_whom_it_or_the_models_name() -> None:
    routes = named(route("far/m", allow={"users": ["alice"]}), models={"allow": {"roles": ["TEAM"]}})
    for principal in (ADMIN, ALICE, BOB):
        assert await routes.find(inbound(), "smart", principal)
        assert [model.id for model in await routes.models(inbound(), principal)] == ["smart"]
    carol = msgspec.structs.replace(ALICE, user_id="u4", name="carol")
    assert await routes.models(inbound(), carol) == []
    with pytest.raises(Forbidden):
        await routes.find(inbound(), "smart", carol)


async def test_it_is_no_agent_and_not_where_only_agents_are() -> None:
    routes = named(route("far/m", description="The best there is."))
    assert await routes.find(inbound(agents_only=True), "smart", ADMIN) is None
    assert await routes.models(inbound(agents_only=True), ADMIN) == ()
    [model] = await routes.models(inbound(), ADMIN)
    assert (model.agent, model.description) == (False, "The best there is.")
    assert await routes.find(inbound(), None, ADMIN) is None
    assert await routes.find(inbound(), "smarter", ADMIN) is None


async def test_a_route_of_which_nothing_can_be_called_is_not_listed() -> None:
    routes = named(route("shut/m"), route("shut/m", "far/m", name="half"))
    assert [model.id for model in await routes.models(inbound(), ADMIN)] == ["half"]
    assert told(routes) == [("gateway.routes[0]", "warning")]


def test_what_is_wrong_with_names_is_told() -> None:
    routes = named(
        route("far/m", "for/m", "m"),
        route("far/m"),
        route("far/m", "far/m", name="twice"),
        route("far/none", name="gone"),
        route("far/m", name="agent_poet"),
        shadowing={"agent_poet"},
    )
    assert sorted(told(routes)) == [
        ("gateway.routes[0].targets[1].model", "error"),
        ("gateway.routes[0].targets[2].model", "error"),
        ("gateway.routes[1].name", "error"),
        ("gateway.routes[2].targets[1].model", "error"),
        ("gateway.routes[3].targets[0].model", "error"),
        ("gateway.routes[4].name", "error"),
    ]
    [unknown] = [one for one in routes.findings() if one.path == "gateway.routes[0].targets[1].model"]
    assert unknown == Finding(
        unknown.path, '"for/m" names no endpoint', "write it as `endpoint/model`; endpoints are: near, far, a/b, shut"
    )


def test_one_target_without_retries_costs_nothing() -> None:
    routes = named(route("far/m", retries=0), route("far/m", name="again")).routes
    assert routes["smart"].policy is None
    assert routes["again"].policy is not None


def test_a_route_may_be_less_patient_than_the_rest() -> None:
    routes = named(route("far/m", first_byte=3), timeouts={"connect": 1, "first_byte": 9, "idle": 2}).routes
    assert routes["smart"].targets[0].timeouts == Timeouts(connect=1, first_byte=3, idle=2)


def test_breakers_of_targets_that_are_gone_are_forgotten() -> None:
    state: dict[str, Any] = {}
    named(route("far/m", "near/m"), state=state)
    named(route("far/m", "a/b/m"), state=state)
    assert [standing.endpoint for standing in Breakers.of(state).standings()] == ["far", "a/b"]
