"""A plugin's endpoints made of settings, and what goes out through them; no network, no pipeline.

    def made(environ, section=None, upstream=None):
        return endpoints.one(gateway_provider_mine, {"endpoints": {"mine": section}}, environ, upstream)

    async def test_the_key_is_sent():
        provider = made({"MY_KEY": "k"})
        sent = endpoints.outgoing(provider, "/chat")
        assert provider.url(sent) == "https://mine.example/chat"
        assert await provider.headers(sent) == {"x-key": "k"}

Settings are the text of a librechat.yaml, or what stands in it, read as the gateway reads it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from ..dialect import Encoded
from ..egress import Egress
from ..inbound import MOUNT, Envelope, Inbound, Mount, Operation, Principal
from ..pipeline.exchange import Attempt, Exchange
from ..provider import HttpProvider, Outgoing, Provider, Reply, Sending, Timeouts, Trust, Upstream, UserKey
from ..secret import Secret
from ..services import Services
from ..settings import Section, Settings
from ..settings.compose import compose
from ..settings.reading import Document
from ..settings.yamlfile import parse
from .installed import NoUpstream, hooks
from .toy import ToyServer

ADA = Principal(user_id="u1", name="Ada")
"""Whose call it is where a test does not say."""


class Sent(NamedTuple):
    """What an upstream was asked for."""

    method: str
    url: str
    headers: dict[str, str]
    trust: Trust
    timeouts: Timeouts | None


class Answer(Reply):
    """A reply that is there already."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.status, self.headers, self._body = status, dict[str, str](), body

    async def read(self, limit: int = 64 * 2**20) -> bytes:
        return self._body

    async def chunk(self) -> bytes:
        body, self._body = self._body, b""
        return body

    def close(self) -> None: ...


class Answering(Upstream):
    """answers: a body for the end of a path, or one for all; what has none is not found. sent: what it was asked."""

    def __init__(self, answers: Mapping[str, bytes] | bytes) -> None:
        self.answers: Mapping[str, bytes] = {"": answers} if isinstance(answers, bytes) else answers
        self.sent: list[Sent] = []

    @property
    def requests(self) -> list[tuple[str, str, dict[str, str]]]:
        """Method, URL and headers of each."""
        return [sent[:3] for sent in self.sent]

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        trust: Trust = "operator",
        timeouts: Timeouts | None = None,
        sending: Sending | None = None,
    ) -> Reply:
        self.sent.append(Sent(method, url, dict(headers), trust, timeouts))
        path = url.partition("?")[0]
        found = [answer for end, answer in self.answers.items() if path.endswith(end)]
        return Answer(found[0]) if found else Answer(b"", 404)


def settings(plugin: ModuleType, given: Mapping[str, Any] | str, environ: Mapping[str, str] | None = None) -> Settings:
    """What the sections of one plugin come to. A section that is None is left out. Raises ValueError on an error."""
    text = given if isinstance(given, str) else json.dumps(_present(given))
    parsed = parse(text, "librechat.yaml")
    document = Document(parsed.data or {}, dict(environ or {}), parsed.marks, parsed.keys, tuple(parsed.findings))
    composed = compose(document, _sections(plugin), {})
    if composed.errors:
        raise ValueError("; ".join(map(str, composed.errors)))
    return composed.settings


def providers(
    plugin: ModuleType,
    given: Mapping[str, Any] | str,
    environ: Mapping[str, str] | None = None,
    upstream: Upstream | None = None,
    now: float = 0.0,
) -> Sequence[Provider]:
    """What a plugin registers. upstream: nobody where it is None. now: what its clock says, always."""
    log = logging.getLogger("gateway.testing")
    services = Services(upstream or NoUpstream(), Egress(), None, lambda: now, log)
    register: Any = hooks(plugin)["register_providers"]
    found: Sequence[Provider] = register(settings=settings(plugin, given, environ), services=services)
    return found


def one(
    plugin: ModuleType,
    given: Mapping[str, Any] | str,
    environ: Mapping[str, str] | None = None,
    upstream: Upstream | None = None,
    now: float = 0.0,
) -> Any:
    """The same where it is exactly one; of any type, for tests that ask it what providers of theirs know."""
    (provider,) = providers(plugin, given, environ, upstream, now)
    return provider


def outgoing(
    provider: Provider,
    path: str,
    model: str = "m",
    *,
    body: bytes = b"{}",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    brought: Mapping[str, str | None] | None = None,
    principal: Principal = ADA,
    stream: bool = False,
    mount: Mount = MOUNT,
    kind: Any = "generate",
) -> Outgoing:
    """An attempt of a call, written in the provider's first dialect and adapted by it. brought: the caller's key."""
    target = provider.target(model)
    dialect = target.provider.dialects[0]
    encoded = Encoded(path, body, query or {}, headers or {})
    if isinstance(target.provider, HttpProvider):
        encoded = target.provider.adapt(encoded, target)
    key = {name: Secret(value) for name, value in (brought or {}).items() if value}
    exchange = _exchange(path, principal, mount, kind)
    exchange.envelope = Envelope(model, stream)
    attempt = Attempt("a", target, dialect)
    return Outgoing(exchange, attempt, target, dialect, encoded, UserKey(key) if key else None)


def _exchange(path: str, principal: Principal, mount: Mount, kind: Any) -> Exchange:
    async def receive() -> bytes:
        return b""

    inbound = Inbound(Operation(kind, "POST", path), mount, {}, {}, {}, "127.0.0.1", receive)
    return Exchange(inbound, ToyServer(), principal=principal)


def _sections(plugin: ModuleType) -> Sequence[Section]:
    register: Any = hooks(plugin).get("register_sections")
    found: Sequence[Section] = register() if register else ()
    return found


def _present(given: Mapping[str, Any]) -> dict[str, Any]:
    """Without the sections that are None; deeper ones may mean something."""
    return {name: _named(value) if isinstance(value, Mapping) else value for name, value in given.items()}


def _named(sections: Mapping[str, Any]) -> dict[str, Any]:
    return {name: section for name, section in sections.items() if section is not None}
