"""What permissions say of limits reaches the caller; a limit of one target leads to the next."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from gateway import Allowance, Attempt, Exchange, Lease, Outcome, Permission, RateLimited
from gateway.settings import Core
from gateway.settings.routes import RouteSettings, TargetSettings
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed

REPLY = {"id": "r", "model": "m", "text": "Hello", "usage": {"read": 9, "cached": 4, "wrote": 2}}
PIECES = (b'data: {"id":"r","text":"He"}\n\n', b'data: {"end":"stop"}\n\n')


class Slot(Lease):
    """Tells when it was given back, and with which outcome."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.name = name
        self.told = told

    def settle(self, outcome: Outcome) -> None:
        self.told.append(f"{self.name} back: {outcome}")


class Leaves(Permission):
    """remaining: by the endpoint that is asked, "" for the caller's own; at 0 it refuses."""

    def __init__(self, scope: Literal["exchange", "attempt"], remaining: dict[str, int]) -> None:
        self.scope = scope
        self.remaining = remaining
        self.told: list[str] = []

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        name = "" if attempt is None else attempt.target.endpoint
        left = self.remaining[name]
        (attempt or exchange).allowances = (Allowance("requests", 10, left, 1.0, 0.0),)
        if not left:
            raise RateLimited("Too many.", retry_after=3)
        self.told.append(f"{name} taken")
        return Slot(name, self.told)


def left(reply: Any) -> str | None:
    found: str | None = reply.headers.get("x-ratelimit-remaining-requests")
    return found


@pytest.mark.parametrize("stream", [False, True])
async def test_headers_tell_what_is_left(
    start: Any, at: Any, ask: Any, fake_upstream: FakeUpstream, stream: bool
) -> None:
    fake_upstream.answer("/toy", streamed(*PIECES) if stream else whole(REPLY))
    running = await start(at(fake_upstream.url), permissions=[Leaves("exchange", {"": 7})])
    async with running.client.post(running.url + "/v1/toy", data=ask(stream=stream)) as reply:
        assert (reply.status, left(reply)) == (200, "7")
        assert reply.headers["x-ratelimit-limit-requests"] == "10"
        assert reply.headers["x-ratelimit-reset-requests"] == "1s"


async def test_an_upstreams_own_figures_do_not_stand_in_for_ours(
    start: Any, at: Any, ask: Any, fake_upstream: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "x-ratelimit-remaining-requests"
    monkeypatch.setattr("gateway.testing.toy.ToyServer.reply_headers", frozenset((name,)))
    fake_upstream.answer("/toy", whole(REPLY, headers={name: "9999"}))
    running = await start(at(fake_upstream.url), permissions=[Leaves("exchange", {"": 7})])
    async with running.client.post(running.url + "/v1/toy", data=ask()) as reply:
        assert reply.headers.getall(name) == ["7"]


async def test_a_refusal_tells_them_too(start: Any, at: Any, ask: Any) -> None:
    running = await start(at("http://127.0.0.1:9"), permissions=[Leaves("exchange", {"": 0})])
    async with running.client.post(running.url + "/v1/toy", data=ask()) as reply:
        assert (reply.status, left(reply), reply.headers["Retry-After"]) == (429, "0", "3")


async def test_where_nothing_is_limited_there_is_no_such_header(
    start: Any, at: Any, ask: Any, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.answer("/toy", whole(REPLY))
    running = await start(at(fake_upstream.url))
    async with running.client.post(running.url + "/v1/toy", data=ask()) as reply:
        assert not [name for name in reply.headers if "ratelimit" in name.lower()]


def smart(*names: str) -> Core:
    return Core(routes=(RouteSettings(name="smart", retries=0, targets=tuple(map(TargetSettings, names))),))


async def test_a_limit_of_one_target_leads_to_the_next(
    start: Any, at: Any, ask: Any, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.answer("/toy", whole(REPLY))
    rule = Leaves("attempt", {"a": 0, "b": 4})
    providers = [at(fake_upstream.url, name) for name in "ab"]
    running = await start(*providers, core=smart("a/m", "b/m"), permissions=[rule])
    async with running.client.post(running.url + "/v1/toy", data=ask(model="smart")) as reply:
        assert (reply.status, reply.headers["X-Gateway-Route"], left(reply)) == (200, "b/m", "4")


async def test_where_every_target_is_at_its_limit_the_caller_is_told_to_wait(start: Any, at: Any, ask: Any) -> None:
    rule = Leaves("attempt", {"a": 0, "b": 0})
    providers = [at("http://127.0.0.1:9", name) for name in "ab"]
    running = await start(*providers, core=smart("a/m", "b/m"), permissions=[rule])
    async with running.client.post(running.url + "/v1/toy", data=ask(model="smart")) as reply:
        assert (reply.status, reply.headers["Retry-After"]) == (429, "3")


async def test_what_an_attempt_took_is_back_before_another_is_made(
    start: Any, at: Any, ask: Any, fake_upstream: FakeUpstream
) -> None:
    fake_upstream.answer("/toy", whole({"error": {"code": "x", "text": "No."}}, status=500), whole(REPLY))
    rule = Leaves("attempt", {"a": 1, "b": 1})
    providers = [at(fake_upstream.url, name) for name in "ab"]
    running = await start(*providers, core=smart("a/m", "b/m"), permissions=[rule])
    async with running.client.post(running.url + "/v1/toy", data=ask(model="smart")) as reply:
        assert reply.status == 200
    await running.settled.wait()
    assert rule.told == ["a taken", "a back: upstream_error", "b taken", "b back: complete"]
    assert [attempt.usage.total for attempt in running.records[-1].attempts] == [0, 11]
