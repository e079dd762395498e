"""Whose keys LibreChat takes: what is asked, what is kept, and that nobody comes in where it cannot be asked."""

import asyncio

import msgspec
import pytest
from gateway_provider_librechat.authenticator import LibreChatAuthenticator
from gateway_provider_librechat.callers import AT_ONCE, KEPT, WRONG, Callers

from gateway import (
    Credential,
    Forbidden,
    Principal,
    Reply,
    Secret,
    Unavailable,
    Upstream,
    UpstreamTimeout,
    UpstreamUnreachable,
)

KEY = "sk-" + "a" * 64
LIST = msgspec.json.encode({"object": "list", "data": [{"id": "agent_a", "name": "A", "created": 5}]})


class Answer(Reply):
    def __init__(self, status, body):
        self.status, self.headers, self._body = status, {}, body

    async def read(self, limit=0):
        return self._body

    async def chunk(self):
        return b""

    def close(self):
        pass


class Far(Upstream):
    """answer: a status and a body, or what is raised. held: until when it does not answer."""

    def __init__(self, answer=(200, LIST)):
        self.answer, self.asked, self.held = answer, [], None
        self.now = self.most = 0

    async def send(self, method, url, headers, body=b"", *, trust="operator", timeouts=None, sending=None):
        self.asked.append((method, url, dict(headers)))
        self.now += 1
        self.most = max(self.most, self.now)
        if self.held is not None:
            await self.held.wait()
        self.now -= 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return Answer(*self.answer)


class Clock:
    at = 1000.0

    def __call__(self):
        return self.at


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def far():
    return Far()


@pytest.fixture
def callers(far, clock):
    return Callers(far, "librechat", "http://chat/api/agents/v1/models", {"x-team": "red"}, "USER", clock)


async def test_librechat_is_asked_with_the_key_and_its_list_is_what_the_caller_may_call(callers, far):
    principal = await callers.find(KEY)
    assert far.asked == [
        ("GET", "http://chat/api/agents/v1/models", {"x-team": "red", "authorization": f"Bearer {KEY}"})
    ]
    assert principal.role == "USER"
    assert principal.user_id == principal.key_id
    assert [agent.id for agent in callers.agents(principal)] == ["agent_a"]
    assert not principal.is_admin


async def test_nothing_that_is_kept_holds_the_key(callers):
    await callers.find(KEY)
    assert KEY not in repr(vars(callers)) + repr(list(callers._known.items()))
    assert KEY[3:20] not in (await callers.find(KEY)).key_id


async def test_the_word_counts_for_a_minute(callers, far, clock):
    await callers.find(KEY)
    clock.at += KEPT - 1
    await callers.find(KEY)
    assert len(far.asked) == 1
    clock.at += 1
    await callers.find(KEY)
    assert len(far.asked) == 2
    assert KEPT <= 60


async def test_a_key_that_ends_is_refused_after_the_minute_at_the_latest(callers, far, clock):
    principal = await callers.find(KEY)
    far.answer = (401, b"{}")
    clock.at += KEPT
    assert await callers.find(KEY) is None
    assert callers.agents(principal) == ()


async def test_a_wrong_key_is_asked_about_again_after_seconds(callers, far, clock):
    far.answer = (401, b"{}")
    assert [await callers.find(KEY) for _ in range(3)] == [None] * 3
    assert len(far.asked) == 1
    clock.at += WRONG
    far.answer = (200, LIST)
    assert await callers.find(KEY) is not None


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamUnreachable("no"),
        UpstreamTimeout("no"),
        (500, b""),
        (502, b"<html>"),
        (429, b"{}"),
        (404, b'{"message":"Endpoint not found"}'),
        (302, b""),
        (200, b"<!doctype html><title>LibreChat</title>"),
        (200, b"{}"),
        (200, b'{"object":"list"}'),
        (200, b'{"object":"error","data":[]}'),
        (200, b"[" * 5000),
        (200, b"\xff"),
        (204, b""),
    ],
    ids=lambda answer: type(answer).__name__ if isinstance(answer, Exception) else f"{answer[0]} {answer[1][:20]!r}",
)
async def test_nobody_comes_in_where_it_cannot_be_known(callers, far, answer):
    far.answer = answer
    for _ in range(2):
        with pytest.raises(Unavailable):
            await callers.find(KEY)
    assert len(far.asked) == 2, "what is not known is not kept"


async def test_who_is_known_comes_in_while_librechat_is_away_for_the_rest_of_the_minute(callers, far, clock):
    await callers.find(KEY)
    far.answer = UpstreamUnreachable("no")
    clock.at += KEPT - 1
    assert await callers.find(KEY) is not None
    clock.at += 1
    with pytest.raises(Unavailable):
        await callers.find(KEY)


@pytest.mark.parametrize("body", [b'{"message":"Forbidden: Insufficient permissions"}', b""])
async def test_who_may_call_no_agents_is_told_so(callers, far, body):
    far.answer = (403, body)
    with pytest.raises(Forbidden, match=r"Insufficient permissions|does not let"):
        await callers.find(KEY)


async def test_many_at_once_with_one_key_ask_once(callers, far):
    far.held = asyncio.Event()
    found = [asyncio.create_task(callers.find(KEY)) for _ in range(20)]
    await asyncio.sleep(0)
    found[0].cancel()
    await asyncio.sleep(0)
    far.held.set()
    assert all(await asyncio.gather(*found[1:]))
    assert len(far.asked) == 1


async def test_a_flood_of_keys_asks_so_many_at_a_time(callers, far):
    far.held, far.answer = asyncio.Event(), (401, b"{}")
    found = [asyncio.create_task(callers.find(f"sk-{number:064x}")) for number in range(3 * AT_ONCE)]
    for _ in range(5):
        await asyncio.sleep(0)
    far.held.set()
    assert set(await asyncio.gather(*found)) == {None}
    assert far.most == AT_ONCE


async def test_only_the_key_that_a_caller_came_by_is_its_own(callers):
    principal = await callers.find(KEY)
    assert callers.proven(principal, Credential("bearer", Secret(KEY))) == KEY
    assert callers.proven(principal, Credential("bearer", Secret("sk-" + "b" * 64))) is None
    assert callers.proven(principal, None) is None
    assert callers.proven(Principal("admin", "ADMIN", key_id="k1"), Credential("bearer", Secret(KEY))) is None


@pytest.mark.parametrize("text", ["", "sk-abc", "hunter2", KEY + "0", KEY.upper(), "a.b.c", "sk-\udcff" + "a" * 63])
async def test_what_is_no_key_of_librechats_is_not_shown_to_it(callers, far, text):
    found = LibreChatAuthenticator(callers)
    assert await found.authenticate(None, Credential("bearer", Secret(text))) is None
    assert await found.authenticate(None, None) is None
    assert far.asked == []


async def test_a_key_is_known_whatever_header_it_came_in(callers):
    found = LibreChatAuthenticator(callers)
    assert await found.authenticate(None, Credential("header", Secret(KEY))) == await callers.find(KEY)
