"""Who decides whether a call may lose something, and what a route does about it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gateway import Call, Edit, Encoded, Provider, Target
from gateway.pipeline.fidelity import Fidelity
from gateway.pipeline.resolve import Route
from gateway.settings.routes import FidelityRules, Level
from gateway.testing.fake_upstream import json as whole
from gateway.testing.toy import ToyClient

REPLY = {"id": "r", "model": "m", "text": "Hello"}
TARGET = Target(Provider(), "far", "m")


@pytest.mark.parametrize(
    ("agent", "route", "endpoint", "default", "strict"),
    [
        (None, None, None, "report", False),
        (None, None, None, "strict", True),
        (None, None, "strict", "report", True),
        (None, "report", "strict", "strict", False),
        (None, "strict", "report", "report", True),
        ("strict", "report", "report", "report", True),
        ("report", "strict", "strict", "strict", False),
    ],
)
def test_the_nearest_rule_counts(agent: Any, route: Any, endpoint: Any, default: Level, strict: bool) -> None:
    agents = {"poet": agent} if agent else {}
    endpoints = {"far": endpoint} if endpoint else {}
    rules = FidelityRules(default=default, agents=agents, endpoints=endpoints)
    asked = Route("x", (TARGET,), Edit(model="m"), "poet", fidelity=route)
    assert Fidelity(rules).strict(asked, TARGET) == strict


def test_one_level_is_for_all() -> None:
    raw = Route("x", (TARGET,), Edit(model="m"))
    assert [Fidelity("strict").strict(raw, TARGET), Fidelity("report").strict(raw, TARGET)] == [True, False]


def test_a_rule_for_what_there_is_not_is_told() -> None:
    rules = FidelityRules(agents={"poet": "strict", "gone": "strict"}, endpoints={"fra": "strict", "far": "report"})
    found = list(Fidelity(rules).findings({"poet"}, {"far"}))
    assert [finding.path for finding in found] == ["gateway.fidelity.agents.gone", "gateway.fidelity.endpoints.fra"]
    assert list(Fidelity("strict").findings((), ())) == []


@pytest.fixture
def lossy(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`lossy("a")`: what goes to these endpoints loses `stop`, what comes back from them `logprobs`."""

    def make(request: tuple[str, ...] = (), reply: bool = False) -> None:
        encode = ToyClient.encode

        def encoded(self: ToyClient, call: Call, target: Target) -> Encoded:
            loss = ("stop",) if target.endpoint in request else ()
            return msgspec.structs.replace(encode(self, call, target), loss=loss)

        monkeypatch.setattr(ToyClient, "encode", encoded)
        if reply:
            monkeypatch.setattr(ToyClient, "reply_loss", lambda self, call: ("logprobs",))

    return make


async def test_a_strict_route_skips_what_would_lose_something(routed: Any, smart: Any, lossy: Any) -> None:
    lossy(request=("a",))
    far = await routed("a", "b", fidelity="strict")
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert (reply.status, reply.headers["X-Gateway-Route"]) == (200, "b/m")
        assert "X-Gateway-Loss" not in reply.headers
    assert (far.asked("a"), far.tried) == (0, [("a", "refused"), ("b", "complete")])


@pytest.mark.parametrize("losing", [{"request": ("a", "b")}, {"reply": True}])
async def test_it_refuses_only_where_every_target_would(routed: Any, smart: Any, lossy: Any, losing: Any) -> None:
    lossy(**losing)
    far = await routed("a", "b", fidelity="strict")
    async with far.call(smart()) as reply:
        assert reply.status == 422
        assert (await reply.json())["error"]["code"] == "would_lose"
    assert (far.asked("a"), far.asked("b")) == (0, 0)
    assert far.record.usage.input is None


async def test_a_route_that_reports_names_the_loss_of_the_target_that_served(
    routed: Any, smart: Any, lossy: Any
) -> None:
    lossy(request=("a",))
    far = await routed("a", "b", core={"fidelity": "strict"}, fidelity="report")
    far.answer("a", whole(REPLY), whole({"error": {"code": "x", "text": "No."}}, status=500))
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert reply.headers["X-Gateway-Loss"] == "stop"
    far.answer("a", whole({"error": {"code": "x", "text": "No."}}, status=500))
    async with far.call(smart()) as reply:
        assert (reply.headers["X-Gateway-Route"], "X-Gateway-Loss" in reply.headers) == ("b/m", False)
    assert far.record.loss == ()


async def test_a_strict_endpoint_is_strict_within_a_route_too(routed: Any, smart: Any, lossy: Any) -> None:
    lossy(request=("a", "b"))
    far = await routed("a", "b", core={"fidelity": FidelityRules(endpoints={"a": "strict"})})
    far.answer("b", whole(REPLY))
    async with far.call(smart()) as reply:
        assert (reply.headers["X-Gateway-Route"], reply.headers["X-Gateway-Loss"]) == ("b/m", "stop")
