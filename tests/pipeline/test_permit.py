"""Permissions of attempts: what they take is given back in time, what they learn of a stream, how they end one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
from msgspec import Raw

from gateway import Attempt, Edit, Exchange, Lease, Outcome, Permission, QuotaExceeded, Route, Usage
from gateway.pipeline.attempt import bounded
from gateway.pipeline.permit import watching
from gateway.settings import Core
from gateway.settings.routes import RouteSettings, TargetSettings
from gateway.testing import replay
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed

REPLY = {"id": "r", "model": "m", "text": "Hello", "usage": {"read": 9, "wrote": 2}}
BUSY = whole({"error": {"code": "busy", "text": "No."}}, status=503)
TEXT = b'data: {"id":"r","text":"twelve bytes"}\n\n'
END = b'data: {"usage":{"read":9,"wrote":2}}\n\n', b'data: {"end":"stop"}\n\n'
Settled = list[tuple[str, Outcome]]


class Silent(Lease):
    def __init__(self, name: str, seen: Settled) -> None:
        self._name = name
        self._seen = seen

    def settle(self, outcome: Outcome) -> None:
        self._seen.append((self._name, outcome))


class Watching(Silent):
    """cap: output tokens at which it ends the stream."""

    def __init__(self, name: str, seen: Settled, cap: int | None = None) -> None:
        super().__init__(name, seen)
        self.usages: list[Usage] = []
        self._cap = cap

    def progress(self, usage: Usage) -> None:
        self.usages.append(usage)
        if self._cap is not None and (usage.output or 0) >= self._cap:
            raise QuotaExceeded("That was all.")


class Each(Permission):
    """Hands out a lease for each attempt; `seen` has what was settled when the next one was asked for."""

    scope = "attempt"

    def __init__(self, make: Callable[[str, Settled], Lease]) -> None:
        self._make = make
        self.settled: Settled = []
        self.seen: list[Settled] = []

    async def check(self, exchange: Exchange, attempt: Attempt | None) -> Lease | None:
        assert attempt is not None
        self.seen.append(list(self.settled))
        return self._make(attempt.target.endpoint, self.settled)


@pytest.fixture
async def upstream() -> Any:
    async with FakeUpstream() as fake:
        yield fake


async def heard(reply: aiohttp.ClientResponse) -> tuple[bytes, bool]:
    """What came, and whether it came to an end."""
    said = b""
    try:
        while piece := await reply.content.readany():
            said += piece
    except aiohttp.ClientPayloadError:
        return said, False
    return said, True


async def test_a_failed_attempt_gives_back_before_the_next_one_takes(
    start: Any, at: Any, ask: Any, upstream: FakeUpstream
) -> None:
    rule = Each(Silent)
    targets = (TargetSettings("a/m"), TargetSettings("b/m"))
    core = Core(routes=(RouteSettings(name="smart", targets=targets, retries=1),))
    upstream.answer("/a/toy", BUSY, BUSY)
    upstream.answer("/b/toy", whole(REPLY))
    gateway = await start(at(f"{upstream.url}/a", "a"), at(f"{upstream.url}/b", "b"), core=core, permissions=[rule])
    async with gateway.client.post(gateway.url + "/v1/toy", data=ask(model="smart")) as reply:
        assert reply.status == 200
    failed = ("a", "upstream_error")
    assert rule.seen == [[], [failed], [failed, failed]]
    assert rule.settled == [failed, failed, ("b", "complete")]


async def test_a_stream_is_watched_by_who_wants_to_and_estimated_until_it_is_told(
    start: Any, at: Any, ask: Any, upstream: FakeUpstream
) -> None:
    made: list[Watching] = []
    rule = Each(lambda name, seen: made.append(Watching(name, seen)) or made[-1])
    go_on = asyncio.Event()
    upstream.answer("/toy", streamed(TEXT, go_on, *END))
    gateway = await start(at(upstream.url), permissions=[rule])
    body = ask(stream=True)
    async with gateway.client.post(gateway.url + "/v1/toy", data=body) as reply:
        await reply.content.readuntil(b"\n\n")
        go_on.set()
        await reply.read()
    sent = len((await upstream.arrival()).body)
    assert made[0].usages[0] == Usage(input=-(-sent // 4), output=3, estimated=True)
    assert made[0].usages[-1] == Usage(input=9, cache_read=0, output=2)


async def test_a_lease_ends_a_stream_in_band_and_is_settled(
    start: Any, at: Any, ask: Any, upstream: FakeUpstream
) -> None:
    rule = Each(lambda name, seen: Watching(name, seen, cap=3))
    upstream.answer("/toy", streamed(TEXT, asyncio.Event()))
    gateway = await start(at(upstream.url), permissions=[rule])
    async with gateway.client.post(gateway.url + "/v1/toy", data=ask(stream=True)) as reply:
        said, ended = await heard(reply)
    assert not ended
    assert b"twelve bytes" in said
    assert b'"error":{"code":"insufficient_quota","text":"That was all."}' in said
    await (await upstream.arrival()).gone.wait()
    await asyncio.wait_for(gateway.settled.wait(), 5)
    [record] = gateway.records
    assert (record.outcome, record.attempts[0].outcome, rule.settled) == ("refused", "refused", [("far", "refused")])
    assert record.usage.output == 3


def test_only_leases_that_want_to_know_are_told_of_progress() -> None:
    seen: Settled = []
    watcher = Watching("w", seen)
    assert watching([Silent("s", seen), watcher]) == [watcher]


def test_a_bound_wins_over_what_client_and_agent_say() -> None:
    edit = Edit("m", defaults={"max_output_tokens": Raw(b"900"), "top_p": Raw(b"1")}, locked=frozenset(("top_p",)))
    route = bounded(Route("r", (replay.target("m"),), edit), 16)
    assert route.edit.defaults == {"max_output_tokens": Raw(b"16"), "top_p": Raw(b"1")}
    assert route.edit.locked == {"max_output_tokens", "top_p"}
    assert edit.defaults["max_output_tokens"] == Raw(b"900")
