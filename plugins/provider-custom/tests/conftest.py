"""Providers of entries as LibreChat's users write them, over an upstream that remembers what it is sent."""

import logging

import msgspec
import pytest
from gateway_provider_custom import register_providers
from gateway_provider_custom.section import CustomEndpoint, Options

from gateway import (
    AGENTS_MOUNT,
    AllEndpoints,
    Attempt,
    Egress,
    Encoded,
    Exchange,
    Inbound,
    Operation,
    Outgoing,
    Principal,
    Reply,
    Secret,
    Services,
    Settings,
    Upstream,
    UserKey,
)

ADA = Principal(user_id="u1", name="Ada")
ENVIRON = {"KEY": "k-1", "URL": "http://h/v1", "ASK": "user_provided"}
WHOLE = {"name": "x", "apiKey": "${KEY}", "baseURL": "${URL}", "models": {"default": ["m"]}}


class Listing(Reply):
    def __init__(self, body):
        self.headers = {}
        self.status, self._body = (200, body) if body else (404, b"")

    async def read(self, limit=0):
        return self._body

    async def chunk(self):
        return b""

    def close(self):
        pass


class Recorded(Upstream):
    """answers: a body for the end of a path; what has none is not found."""

    def __init__(self, answers=None):
        self.sent = []
        self.answers = {"/models": b'{"data": [{"id": "fetched"}]}'} if answers is None else answers

    async def send(self, method, url, headers, body=b"", *, trust="operator", timeouts=None):
        self.sent.append((method, url, dict(headers), trust, timeouts))
        path = url.partition("?")[0]
        return Listing(next((body for end, body in self.answers.items() if path.endswith(end)), b""))


def read(model, given):
    return msgspec.convert(given, model, dec_hook=lambda kind, value: kind(value))


@pytest.fixture
def whole():
    return WHOLE


@pytest.fixture
def recorded():
    return Recorded


@pytest.fixture
def providers():
    def made(*entries, dialects=None, upstreams=None, shared=None, environ=ENVIRON, upstream=None):
        sections = {
            CustomEndpoint: tuple(read(CustomEndpoint, entry) for entry in entries),
            Options: read(Options, {"dialects": dialects or {}, "upstreams": upstreams or {}}),
            AllEndpoints: read(AllEndpoints, {"headers": shared or {}}),
        }
        log = logging.getLogger("test.custom")
        services = Services(upstream or Recorded(), Egress(), None, clock=lambda: 0.0, log=log)
        return register_providers(Settings(sections, environ, frozenset()), services)

    return made


@pytest.fixture
def one(providers):
    def made(upstream=None, **changes):
        (provider,) = providers(WHOLE | changes, upstream=upstream)
        return provider

    return made


@pytest.fixture
def outgoing():
    def made(provider, principal=ADA, path="/chat/completions", query=None, kind="generate", **brought):
        inbound = Inbound(Operation(kind, "POST", path), AGENTS_MOUNT, {}, {}, {}, "127.0.0.1", None)
        target = provider.target("m")
        exchange = Exchange(inbound, None, principal=principal)
        key = UserKey({name: Secret(value) for name, value in brought.items()}) if brought else None
        attempt = Attempt("a", target, provider.dialects[0])
        return Outgoing(exchange, attempt, target, provider.dialects[0], Encoded(path, b"", query or {}), key)

    return made
