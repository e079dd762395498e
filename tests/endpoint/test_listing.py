"""A list of models, fetched over a fake upstream and a clock that the test turns."""

import asyncio
import logging

import pytest

from gateway import Egress, ModelList, Reply, Services, Upstream, UpstreamUnreachable
from gateway.endpoint import FixedNames

LOG = logging.getLogger("test.listing")
TWO = b'{"object": "list", "data": [{"id": "a", "object": "model"}, {"id": "b"}, {"id": "a"}]}'


class Given(Reply):
    def __init__(self, status, body):
        self.status, self.headers, self._body, self.closed = status, {}, body, False

    async def read(self, limit=2**20):
        return self._body

    async def chunk(self):
        return b""

    def close(self):
        self.closed = True


class Answers(Upstream):
    """Gives the next of its answers, the last for ever; an exception is raised."""

    def __init__(self, *answers):
        self._answers, self.sent, self.gate = list(answers), [], None

    async def send(self, method, url, headers, body=b"", *, trust="operator", timeouts=None):
        self.sent.append((method, url, dict(headers)))
        if self.gate is not None:
            await self.gate.wait()
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def listing(upstream, clock=None, **more):
    return ModelList(upstream, clock or Clock(), LOG, "endpoint x", "http://h/models", {"a": "b"}, **more)


async def settled():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_upstreams_names_are_given_once_each():
    upstream = Answers(Given(200, TWO))
    assert await listing(upstream).names() == ("a", "b")
    assert upstream.sent == [("GET", "http://h/models", {"a": "b"})]


async def test_an_endpoints_list_is_asked_for_through_the_services():
    upstream = Answers(Given(200, TWO))
    services = Services(upstream, Egress(), None, Clock(), LOG)
    assert await ModelList.of(services, "mine", "http://h/models", {"a": "b"}).names() == ("a", "b")
    assert upstream.sent == [("GET", "http://h/models", {"a": "b"})]


async def test_names_that_the_operator_lists_are_not_asked_for():
    assert await FixedNames(("a", "b")).names() == ("a", "b")


async def test_a_list_is_kept_for_two_minutes_then_renewed_behind():
    upstream, clock = Answers(Given(200, TWO), Given(200, b'{"data": [{"id": "c"}]}')), Clock()
    names = listing(upstream, clock)
    await names.names()
    clock.now += 119
    assert await names.names() == ("a", "b")
    assert len(upstream.sent) == 1
    clock.now += 2
    assert await names.names() == ("a", "b")
    await settled()
    assert await names.names() == ("c",)


async def test_a_list_older_than_four_minutes_is_waited_for():
    upstream, clock = Answers(Given(200, TWO), Given(200, b'{"data": [{"id": "c"}]}')), Clock()
    names = listing(upstream, clock)
    await names.names()
    clock.now += 241
    assert await names.names() == ("c",)


async def test_many_callers_cause_one_request_and_one_that_leaves_does_not_end_it():
    upstream = Answers(Given(200, TWO))
    upstream.gate = asyncio.Event()
    names = listing(upstream)
    callers = [asyncio.create_task(names.names()) for _ in range(10)]
    await settled()
    callers[0].cancel()
    await settled()
    upstream.gate.set()
    assert await asyncio.gather(*callers[1:]) == [("a", "b")] * 9
    assert len(upstream.sent) == 1


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamUnreachable("nobody there"),
        Given(500, b"{}"),
        Given(200, b"<html>"),
        Given(200, b'{"data": [{"id": "\xff"}]}'),
        Given(200, b'{"data": []}'),
        Given(200, b"[]"),
    ],
    ids=["unreachable", "status", "html", "bytes", "empty", "list"],
)
async def test_whatever_goes_wrong_the_fallback_stands_and_the_next_try_waits_half_a_minute(answer):
    upstream, clock = Answers(answer, Given(200, TWO)), Clock()
    names = listing(upstream, clock, fallback=("d",))
    assert await names.names() == ("d",)
    clock.now += 29
    assert await names.names() == ("d",)
    assert len(upstream.sent) == 1
    clock.now += 2
    await names.names()
    await settled()
    assert await names.names() == ("a", "b")


async def test_a_reply_is_closed_after_an_error_status_too():
    answer = Given(503, b"")
    await listing(Answers(answer)).names()
    assert answer.closed


async def test_an_upstream_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr("gateway.endpoint.listing.TIMEOUT", 0.01)
    upstream = Answers(Given(200, TWO))
    upstream.gate = asyncio.Event()
    assert await listing(upstream, fallback=("d",)).names() == ("d",)


async def test_only_the_selected_names_are_offered():
    assert await listing(Answers(Given(200, TWO)), select=lambda names: names[1:]).names() == ("b",)


async def test_a_list_of_another_shape_is_read_by_its_own_reader():
    answer = Given(200, b"a,b,,a")
    assert await listing(Answers(answer), read=lambda body: body.decode().split(",")).names() == ("a", "b")
