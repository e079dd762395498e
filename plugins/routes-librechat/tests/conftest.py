"""Endpoints of every kind, a store that keeps keys in memory, and the plugin's handlers by method and path."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import gateway_routes_librechat
import msgspec
import pytest

from gateway import (
    MOUNT,
    Answer,
    Catalogue,
    Egress,
    Inbound,
    ModelFacts,
    Operation,
    Prices,
    Principal,
    Provider,
    SealedKey,
    Services,
    Settings,
    Store,
    UserKeys,
)
from gateway.testing.installed import NoUpstream
from gateway.vault import vault_of

ADA = Principal(user_id="usr_ada", name="Ada")
BOB = Principal(user_id="usr_bob", name="Bob")
NOBODY = Principal(user_id="", role="")
CREDS_KEY = "0123456789abcdef" * 4
Call = Callable[..., Awaitable[Answer]]


class Endpoint(Provider):
    def __init__(self, endpoint: str, models: Sequence[str] = (), **members: Any) -> None:
        self.endpoint = endpoint
        self._models = models
        self._facts: Mapping[str, ModelFacts] = members.pop("facts", {})
        self._shown: Mapping[str, object] = members.pop("shown", {})
        for name, value in members.items():
            setattr(self, name, value)

    async def models(self) -> Sequence[str]:
        return self._models

    def facts(self, model: str) -> ModelFacts | None:
        return self._facts.get(model)

    def shown(self) -> Mapping[str, object]:
        return self._shown


class MemoryKeys(UserKeys):
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], SealedKey] = {}

    async def get(self, user_id: str, endpoint: str) -> SealedKey | None:
        return self.kept.get((user_id, endpoint))

    async def put(self, user_id: str, key: SealedKey) -> None:
        self.kept[user_id, key.endpoint] = key

    async def delete(self, user_id: str, endpoint: str | None = None) -> None:
        for place in [place for place in self.kept if place[0] == user_id and endpoint in (None, place[1])]:
            del self.kept[place]


class MemoryStore(Store):
    name, location = "memory", ""

    def __init__(self) -> None:
        self.user_keys = MemoryKeys()

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> str | None:
        return None


ENDPOINTS = (
    Endpoint("My server", ("own-model", "gpt-4o"), kind="custom", shown={"modelDisplayLabel": "Mine"}),
    Endpoint("anthropic", ("claude-sonnet-5",), kind="anthropic"),
    Endpoint("openAI", ("gpt-5.4",)),
    Endpoint("bedrock", ("amazon.nova-lite-v1:0",), kind="bedrock", shown={"availableRegions": ["eu-west-1"]}),
    Endpoint("azureOpenAI", (), kind="azureOpenAI"),
    Endpoint("google", ("gemini-2.5-pro",), kind="google", unavailable="GOOGLE_KEY: it is not set"),
    Endpoint(
        "OpenRouter",
        ("meta-llama/llama-3.3-70b-instruct",),
        user_provides=("apiKey", "baseURL"),
        facts={"meta-llama/llama-3.3-70b-instruct": ModelFacts(context=9, prices=Prices(input=0.5))},
    ),
)


@pytest.fixture
def services() -> Services:
    return Services(
        NoUpstream(),
        Egress(),
        MemoryStore(),
        lambda: 0.0,
        logging.getLogger("test.librechat"),
        endpoints={one.endpoint: one for one in ENDPOINTS},
        vault=vault_of(CREDS_KEY),
        catalogue=Catalogue(),
    )


@pytest.fixture
def call(services: Services) -> Call:
    """`await call("PUT", "/api/keys", body, principal=ADA, services=…, environ=…, sections=…, query…)`."""

    async def go(
        method: str,
        path: str,
        body: object = None,
        *,
        principal: Principal = ADA,
        environ: Mapping[str, str] | None = None,
        sections: Mapping[type, object] | None = None,
        settings: Settings | None = None,
        services: Services = services,
        params: Mapping[str, str] | None = None,
        **query: str,
    ) -> Answer:
        settings = settings or Settings(sections or {}, environ or {}, frozenset())
        routes = gateway_routes_librechat.register_routes(settings, services)
        [route] = [route for route in routes if (route.method, route.path) == (method, path)]

        async def receive() -> bytes:
            return body if isinstance(body, bytes) else msgspec.json.encode(body)

        inbound = Inbound(Operation("state", method, path), MOUNT, params or {}, query, {}, "127.0.0.1", receive)
        return await route.handler(inbound, principal)

    return go
