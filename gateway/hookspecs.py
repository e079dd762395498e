"""Every hook, in the order a request meets what it returns.

Hooks run once at startup (and at a reload), synchronously, and return finished objects; nothing here is on the request
path. An `async def` hook is refused. Results follow `gateway.plugins.order`, then plugin names.
"""

from __future__ import annotations

from collections.abc import Sequence

import pluggy

from .counters import Counters
from .dialect import ClientDialect, ServerDialect
from .lifespan import Lifespan
from .pipeline.authenticate import Authenticator
from .pipeline.keep import Keeper
from .pipeline.permit import Permission
from .pipeline.resolve import Directory
from .pipeline.settle import Meter
from .provider import Provider
from .routes import RouteSpec
from .services import Services
from .settings import Section, Settings
from .store import Store
from .tools import ToolSource

hookspec = pluggy.HookspecMarker("gateway")
hookimpl = pluggy.HookimplMarker("gateway")


@hookspec
def register_sections() -> Sequence[Section]:  # type: ignore[empty-body]
    """Parts of the YAML that this plugin understands, a struct each."""


@hookspec
def register_stores(settings: Settings) -> Sequence[Store]:  # type: ignore[empty-body]
    """Where things last. The first store of all plugins is used."""


@hookspec
def register_counters(settings: Settings) -> Sequence[Counters]:  # type: ignore[empty-body]
    """Where limits are counted for several machines. The first of all plugins is used."""


@hookspec
def register_dialects(settings: Settings) -> Sequence[ServerDialect | ClientDialect]:  # type: ignore[empty-body]
    """API formats: what clients speak to us, and what we speak to upstreams."""


@hookspec
def register_authenticators(settings: Settings, services: Services) -> Sequence[Authenticator]:  # type: ignore[empty-body]
    """Who proves whom."""


@hookspec
def register_directories(settings: Settings, services: Services) -> Sequence[Directory]:  # type: ignore[empty-body]
    """Names that may stand as `model`. Asked in order, before the models of endpoints."""


@hookspec
def register_permissions(settings: Settings, services: Services) -> Sequence[Permission]:  # type: ignore[empty-body]
    """Rules that agree or raise."""


@hookspec
def register_keepers(settings: Settings, services: Services) -> Sequence[Keeper]:  # type: ignore[empty-body]
    """What clients of a dialect leave here and come back to, where there is a store for it."""


@hookspec
def register_providers(settings: Settings, services: Services) -> Sequence[Provider]:  # type: ignore[empty-body]
    """Configured endpoints, one Provider each, unavailable ones included with the reason."""


@hookspec
def register_tools(settings: Settings, services: Services) -> Sequence[ToolSource]:  # type: ignore[empty-body]
    """Kinds of tools that the gateway runs itself for its agents."""


@hookspec
def register_meters(settings: Settings, services: Services) -> Sequence[Meter]:  # type: ignore[empty-body]
    """Receivers of usage records."""


@hookspec
def register_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:  # type: ignore[empty-body]
    """HTTP paths besides the dialects'."""


@hookspec
def register_lifespans(settings: Settings, services: Services) -> Sequence[Lifespan]:  # type: ignore[empty-body]
    """What runs beside requests: pollers, writers. Started before the first request, stopped after the last."""


@hookspec
def register_commands() -> Sequence[object]:  # type: ignore[empty-body]
    """Sub-commands of `gateway`: click commands. Their context object is `gateway.cli.context.Context`."""
