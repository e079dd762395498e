"""What is installed: plugins by entry point, and what they register with every setting at its default."""

from __future__ import annotations

import inspect
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

import msgspec

from ..dialect import ClientDialect, ServerDialect
from ..egress import Egress
from ..errors import UpstreamUnreachable
from ..provider import Provider, Reply, Sending, Timeouts, Trust, Upstream
from ..services import Services
from ..settings import Settings

GROUP = "gateway"


def plugins() -> Mapping[str, EntryPoint]:
    """Entry points by plugin name, sorted."""
    return {point.name: point for point in sorted(entry_points(group=GROUP))}


def bare_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Every section at its defaults, and no file."""
    return Settings({}, environ or {}, frozenset())


class NoUpstream(Upstream):
    """Reaches nobody."""

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
        raise UpstreamUnreachable("There is no network here.")


def bare_services() -> Services:
    """No store, no network, the real clock."""
    return Services(NoUpstream(), Egress(), None, time.time, logging.getLogger("gateway.testing"))


class Objects(msgspec.Struct):
    """What one plugin registers that the kit checks."""

    servers: list[ServerDialect]
    clients: list[ClientDialect]
    providers: list[Provider]


def hooks(plugin: ModuleType) -> Mapping[str, Callable[..., Sequence[object]]]:
    """The functions that a plugin marked with `hookimpl`, by name."""
    return {name: value for name, value in vars(plugin).items() if hasattr(value, "gateway_impl")}


def registered(plugin: ModuleType, hook: str, settings: Settings) -> Sequence[object]:
    """What one hook of a plugin gives; nothing where it does not have it."""
    function = hooks(plugin).get(hook)
    if function is None:
        return ()
    given = {"settings": settings, "services": bare_services()}
    wanted = inspect.signature(function).parameters
    return function(**{name: value for name, value in given.items() if name in wanted})


def objects(plugin: ModuleType, settings: Settings) -> Objects:
    dialects = registered(plugin, "register_dialects", settings)
    providers = registered(plugin, "register_providers", settings)
    return Objects(
        [dialect for dialect in dialects if isinstance(dialect, ServerDialect)],
        [dialect for dialect in dialects if isinstance(dialect, ClientDialect)],
        [provider for provider in providers if isinstance(provider, Provider)],
    )


@cache
def dialects() -> tuple[object, ...]:
    """Of all installed plugins."""
    settings = bare_settings()
    return tuple(
        dialect for point in plugins().values() for dialect in registered(point.load(), "register_dialects", settings)
    )


def servers() -> list[ServerDialect]:
    return [dialect for dialect in dialects() if isinstance(dialect, ServerDialect)]


def clients() -> list[ClientDialect]:
    return [dialect for dialect in dialects() if isinstance(dialect, ClientDialect)]


def server_half(name: str, among: Sequence[ServerDialect]) -> ServerDialect | None:
    """The server half of this name: one of these, otherwise of what is installed."""
    return next((server for server in among if server.name == name), None) or next(
        (server for server in servers() if server.name == name), None
    )


def client_half(name: str, among: Sequence[ClientDialect]) -> ClientDialect | None:
    return next((client for client in among if client.name == name), None) or next(
        (client for client in clients() if client.name == name), None
    )
