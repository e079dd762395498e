"""Checks of providers: addresses, and sources of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from functools import partial
from typing import Any, TypeVar

from ... import Attempt, Encoded, Exchange, Outgoing, Target
from ...events import Event, Idle, Started
from ...provider import EventProvider, HttpProvider, Provider
from .. import replay
from ..toy import ToyServer
from .check import Check
from .replies import call, disorder

T = TypeVar("T")


def checks(provider: Provider, secrets: Sequence[str] = ()) -> list[Check]:
    """secrets: values that must not show in its URL or `repr`."""
    found = [partial(it_says_what_it_is, provider)]
    if isinstance(provider, HttpProvider) and not provider.unavailable:
        found += [partial(its_requests_are_well_formed, provider, dialect, secrets) for dialect in provider.dialects]
    if isinstance(provider, EventProvider) and not provider.unavailable:
        found += [partial(its_events_keep_their_order, provider), partial(cancelling_it_ends_it, provider)]
    return [Check(f"endpoint {provider.endpoint}", check) for check in found]


def it_says_what_it_is(provider: Provider) -> None:
    assert isinstance(provider.endpoint, str), provider.endpoint
    assert provider.endpoint, "an endpoint without a name"
    assert "/" not in provider.endpoint, "models are called `endpoint/model`"
    assert isinstance(provider.dialects, tuple), "dialects is a tuple of names"
    assert isinstance(provider, EventProvider) or provider.dialects, "it speaks no dialect and makes no events"
    assert provider.unavailable is None or isinstance(provider.unavailable, str)
    target = provider.target("some/model")
    assert isinstance(target, Target)
    assert (target.provider, target.endpoint, target.model) == (provider, provider.endpoint, "some/model")
    assert target.state_domain, "without a state domain its opaque state would reach others"
    if not provider.unavailable:
        assert all(isinstance(model, str) for model in _run(provider.models()))


def its_requests_are_well_formed(provider: HttpProvider, dialect: str, secrets: Sequence[str]) -> None:
    outgoing = _outgoing(provider, dialect)
    url, headers = provider.url(outgoing), _run(provider.headers(outgoing))
    assert url.startswith(("http://", "https://")), url
    assert all(isinstance(name, str) and isinstance(value, str) for name, value in headers.items()), list(headers)
    assert not any("\r" in text or "\n" in text for pair in headers.items() for text in pair), list(headers)
    for secret in secrets:
        assert secret not in url, "a secret in the URL ends in logs"
        assert secret not in repr(provider) + repr(vars(provider)), "a secret that prints; keep it as a Secret"


def its_events_keep_their_order(provider: EventProvider) -> None:
    async def events() -> list[Event]:
        return [event async for event in _reply(provider) if not isinstance(event, Idle)]

    found = _run(events())
    assert disorder(found) is None, disorder(found)


def cancelling_it_ends_it(provider: EventProvider) -> None:
    async def cancelled() -> set[asyncio.Task[object]]:
        before = asyncio.all_tasks()
        reply = _reply(provider)
        assert isinstance(await anext(reply), Started), "a reply begins with Started"
        close = getattr(reply, "aclose", None)
        assert close is not None, "`run` is to be an async generator, so that it can be closed"
        await close()
        await asyncio.sleep(0)
        assert [event async for event in reply] == [], "it goes on after it was closed"
        return asyncio.all_tasks() - before

    assert not _run(cancelled()), "tasks go on after it was closed"


def _reply(provider: EventProvider) -> AsyncIterator[Event | Idle]:
    return provider.run(call(True, tools=False), _exchange())


def _exchange() -> Exchange:
    server = ToyServer()
    return Exchange(replay.inbound(server, b'{"text": "Hi"}'), server)


def _outgoing(provider: Provider, dialect: str) -> Outgoing:
    target = provider.target("some-model")
    encoded = Encoded("/some/path", b"{}")
    return Outgoing(_exchange(), Attempt("at_1", target, dialect), target, dialect, encoded)


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)
