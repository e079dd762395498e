"""Plugins and settings to one Assembly, at startup and at reload: hooks are called here and nowhere else."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..catalogue import Catalogue
from ..counters import Counters
from ..dialect import ClientDialect, ServerDialect
from ..egress import Egress, useless_exemptions
from ..errors import PluginError, SettingsError
from ..lifespan import Lifespan
from ..plugins import Registry
from ..provider import Provider, Timeouts, Upstream
from ..proxies import proxy_findings
from ..roles import followers
from ..router import Router
from ..routes import RouteSpec
from ..services import Services
from ..settings.contract import Finding, Settings
from ..settings.core import Core
from ..store import Store
from ..tools import ToolSource
from ..vault import Vault, vault_of
from . import STEPS, Pipeline
from .attempt import Sender
from .authenticate import Authenticator
from .breakers import Breakers
from .dispatch import dispatcher
from .endpoints import Endpoints
from .fidelity import Fidelity
from .keep import Keeper
from .named import NamedRoutes
from .permit import Permission
from .resolve import Directory, Route
from .resumer import Resumer
from .resuming import Resuming, sweeper_of
from .userkeys import Keyring

log = logging.getLogger("gateway.compile")


@dataclass(frozen=True)
class Assembly:
    """Everything that serves, made but not started. findings: what plugins say of their settings."""

    core: Core
    registry: Registry
    services: Services
    pipeline: Pipeline
    router: Router
    lifespans: Sequence[Lifespan]
    findings: Sequence[Finding]

    def apply(self) -> None:
        """It serves: what it changes of things that outlive a reload is changed now."""
        Breakers.of(self.services.state).apply()


@dataclass(frozen=True)
class Kept:
    """What a reload takes over from the configuration before it, open and in use."""

    store: Store | None
    counters: Counters | None
    state: dict[str, Any]

    @classmethod
    def of(cls, services: Services) -> Kept:
        """state: a copy, so that what hooks put into it is nobody's before the new configuration serves."""
        state = {**services.state, "breakers": Breakers.of(services.state).draft()}
        return cls(services.store, services.counters, state)

    @classmethod
    def nothing(cls, settings: Settings, registry: Registry) -> Kept:
        """At the start."""
        stores: list[Store] = registry.collect("register_stores", settings=settings)
        counters: list[Counters] = registry.collect("register_counters", settings=settings)
        return cls(stores[0] if stores else None, counters[0] if counters else None, {})


class Unclaimed(Provider):
    """An endpoint of the file that no installed plugin provides: it answers 503 with that."""

    dialects = ()

    def __init__(self, endpoint: str, reason: str) -> None:
        self.endpoint = endpoint
        self.unavailable = reason


def assemble(
    settings: Settings,
    registry: Registry,
    upstream: Upstream,
    egress: Egress,
    routes: Sequence[RouteSpec] = (),
    unclaimed: Mapping[str, str] | None = None,
    kept: Kept | None = None,
) -> Assembly:
    """Call every hook once and fit the objects together. Raises StartupError where they do not fit.

    routes: the core's own. unclaimed: endpoints that no plugin provides, with the reason. kept: at a reload.
    """
    core = settings.one(Core)
    collect = registry.collect
    kept = kept or Kept.nothing(settings, registry)
    endpoints: dict[str, Provider] = {}
    failover: dict[str, Route] = {}
    tools: list[ToolSource] = []
    store = kept.store
    vault, catalogue = _vault(settings, store), Catalogue(core.catalogue)
    services = Services(
        upstream=upstream,
        egress=egress,
        store=store,
        vault=vault,
        catalogue=catalogue,
        clock=time.time,
        log=logging.getLogger("gateway.plugin"),
        endpoints=endpoints,
        routes=failover,
        counters=kept.counters,
        state=kept.state,
        tools=tools,
    )
    both = {"settings": settings, "services": services}
    servers, clients = _dialects(collect("register_dialects", settings=settings))
    authenticators: list[Authenticator] = collect("register_authenticators", **both)
    directories: list[Directory] = collect("register_directories", **both)
    permissions: list[Permission] = collect("register_permissions", **both)
    for provider in collect("register_providers", **both):
        if provider.endpoint in endpoints:
            raise PluginError(f"two providers are named {provider.endpoint!r}; endpoint names are unique")
        endpoints[provider.endpoint] = provider
    for name, reason in (unclaimed or {}).items():
        endpoints.setdefault(name, Unclaimed(name, reason))
    tools += collect("register_tools", **both)
    breakers = Breakers.of(services.state)
    agents = {name for directory in directories for name in directory.names()}
    named, fidelity = NamedRoutes(core, endpoints, breakers, agents), Fidelity(core.fidelity)
    failover.update(named.routes)
    directories += [named, Endpoints(endpoints, core.models.allow, catalogue)]
    attempt_scope = [rule for rule in permissions if rule.scope == "attempt"]
    keyring = Keyring(store.user_keys if store else None, vault)
    resumer = _resumer(core, services)
    pipeline = Pipeline(
        authenticators=tuple(authenticators),
        directories=tuple(directories),
        permissions=tuple(rule for rule in permissions if rule.scope == "exchange"),
        dispatcher=dispatcher(core, Sender(upstream, clients, attempt_scope, fidelity, keyring)),
        meters=tuple(collect("register_meters", **both)),
        keepers=_keepers(collect("register_keepers", **both)),
        resumer=resumer,
    )
    own = [*routes, *(Resuming(resumer).routes() if resumer is not None else ())]
    router = Router(servers, [*own, *collect("register_routes", **both)], root_alias=core.http.root_alias)
    services.rehearsal.bind(router, pipeline)
    services.detached.bind(router, pipeline)
    sweepers = (sweeper_of(resumer),) if resumer is not None else ()
    lifespans = [*followers(settings, services), *sweepers, *collect("register_lifespans", **both)]
    findings = [finding for authenticator in authenticators for finding in authenticator.findings()]
    findings += [finding for directory in directories for finding in directory.findings()]
    findings += [finding for provider in endpoints.values() for finding in provider.findings()]
    findings += [finding for source in tools for finding in source.findings()]
    findings += [*contradictions(core), *useless_exemptions(settings), *proxy_findings(settings)]
    findings += fidelity.findings(agents, endpoints)
    findings += without_alias(router)
    findings += missing_parts(registry, services, servers, authenticators, permissions, endpoints)
    return Assembly(core, registry, services, pipeline, router, lifespans, findings)


def _resumer(core: Core, services: Services) -> Resumer | None:
    """None where no stream is to be taken up again, or the store knows none."""
    store = services.store
    if core.streams.resumable == "never" or store is None or store.streams is None:
        return None
    return Resumer(store.streams, core.streams, services.detached, services.clock, services.log)


def _vault(settings: Settings, store: Store | None) -> Vault | None:
    """A store that other machines use asks for a key that they have, too."""
    directory = store.directory if store is not None and not store.shared else None
    try:
        return vault_of(settings.env("CREDS_KEY"), directory)
    except ValueError as error:
        raise SettingsError(f"CREDS_KEY: {error}; `openssl rand -hex 32` makes one") from error


def survey(settings: Settings, registry: Registry, unclaimed: Mapping[str, str] | None = None) -> Sequence[Finding]:
    """What `check` tells beside the schema's findings: nothing is opened and nothing connected to."""
    from ..upstream import HttpUpstream

    egress = Egress.of(settings)
    return assemble(settings, registry, HttpUpstream(egress, Timeouts()), egress, (), unclaimed).findings


def contradictions(core: Core) -> Iterable[Finding]:
    """Settings of the core that each are valid and together are not."""
    if core.limits.bodies < core.limits.body:
        yield Finding(
            path="gateway.limits.bodies",
            what="it is smaller than gateway.limits.body, so a request of that size could never be taken",
            todo="make it several times as large",
        )


def without_alias(router: Router) -> Iterable[Finding]:
    for path in router.hidden:
        yield Finding(
            path="gateway.http.root_alias",
            what=f"{path} is something else's, so that clients reach it under /v1 only",
            todo="give those a base URL that ends in /v1",
            level="warning",
        )


def missing_parts(
    registry: Registry,
    services: Services,
    servers: Sequence[ServerDialect],
    authenticators: Sequence[Authenticator],
    permissions: Sequence[Permission],
    endpoints: Mapping[str, Provider],
) -> Iterable[Finding]:
    """A gateway with a part missing starts, and says what it cannot do without it."""
    parts = (
        (services.store, "store", "keys and usage are not kept"),
        (servers, "dialect", "no API is served"),
        (authenticators, "auth", "nobody can be let in"),
        (permissions, "permission", "every key may call every agent"),
        (endpoints, "provider", "there is nothing to call"),
    )
    for part, stage, effect in parts:
        if not part:
            yield Finding(
                path="gateway.plugins",
                what=f"no {stage} plugin is installed, so {effect}",
                todo=f"install one, as `pip install ./plugins/{stage}-…`",
                level="warning",
            )
    for name in registry.missing:
        yield Finding(
            path=f"gateway.plugins.{name}",
            what=f"the plugin {name} is not installed, and what it does is not done",
            todo=f"pip install ./plugins/{name}",
            level="warning",
        )
    for plugin in registry.plugins:
        if plugin.error:
            yield Finding(
                path=f"gateway.plugins.{plugin.name}",
                what=f"{plugin.distribution} {plugin.version} does not serve: {plugin.error}",
                todo="mend or uninstall it, or name it in gateway.plugins.disable",
                level="warning",
            )


def _keepers(registered: Sequence[Keeper]) -> dict[str, Keeper]:
    keepers: dict[str, Keeper] = {}
    for keeper in registered:
        if keepers.setdefault(keeper.dialect, keeper) is not keeper:
            raise PluginError(f"two plugins keep what clients of {keeper.dialect} come back to")
    return keepers


def _dialects(
    registered: Sequence[ServerDialect | ClientDialect],
) -> tuple[list[ServerDialect], dict[str, ClientDialect]]:
    servers = [one for one in registered if isinstance(one, ServerDialect)]
    clients = [one for one in registered if isinstance(one, ClientDialect)]
    for kind, names in (("server", [one.name for one in servers]), ("client", [one.name for one in clients])):
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise PluginError(f"the {kind} dialect {', '.join(sorted(twice))} is registered twice")
    for server in servers:
        for operation in server.operations:
            if operation.kind not in STEPS and operation.kind != "socket":
                raise PluginError(f"{server.name} has a {operation.kind} operation, which this core cannot run")
    return servers, {client.name: client for client in clients}
