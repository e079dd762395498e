"""LibreChat's own calls: endpoints and models, the client's configuration, users' own keys, balances."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import RouteSpec, Section, Services, Settings, hookimpl

from .balance import Balance
from .config import Config
from .endpoints import Endpoints
from .interface_fields import InterfaceFields
from .model_specs import ModelSpecs
from .models import Models
from .section import (
    AgentsFields,
    EndpointsFields,
    MemoryFields,
    RegistrationFields,
    TurnstileFields,
    WebSearchFields,
)
from .user_keys import Keys


@hookimpl
def register_sections() -> Sequence[Section]:
    return (
        Section("interface", InterfaceFields),
        Section("modelSpecs", ModelSpecs),
        Section("endpoints", EndpointsFields),
        Section("endpoints.agents", AgentsFields),
        Section("memory", MemoryFields),
        Section("registration", RegistrationFields),
        Section("turnstile", TurnstileFields),
        Section("webSearch", WebSearchFields),
    )


@hookimpl
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    endpoints, models = Endpoints(settings, services.endpoints), Models(settings, services)
    config, keys, balance = Config(settings, services), Keys(services), Balance(settings, services)
    return (
        RouteSpec("GET", "/api/endpoints", endpoints.get, summary="Endpoints, as LibreChat's client shows them"),
        RouteSpec("GET", "/api/endpoints/token-config", models.token_config, summary="Windows and prices of models"),
        RouteSpec("GET", "/api/models", models.get, summary="Models by endpoint"),
        RouteSpec("GET", "/api/config", config.get, "optional", "The client's configuration; more with a key"),
        RouteSpec("GET", "/api/balance", balance.get, summary="What the caller can spend, in credits"),
        RouteSpec("PUT", "/api/keys", keys.put, summary="Keep a key of one's own for an endpoint"),
        RouteSpec("GET", "/api/keys", keys.get, summary="When one's own key for an endpoint expires (?name=)"),
        RouteSpec("DELETE", "/api/keys", keys.delete_all, summary="Delete all of one's own keys (?all=true)"),
        RouteSpec("DELETE", "/api/keys/{name}", keys.delete, summary="Delete one's own key for an endpoint"),
    )
