"""The conformance kit: what every plugin's objects must keep, as checks that a test runs one by one.

    import gateway_provider_example
    from gateway.testing import conformance

    @pytest.mark.parametrize("check", conformance.checks(gateway_provider_example), ids=str)
    def test_it_keeps_its_contracts(check):
        check()

`plugins` has the checks of what hooks register, `servers` and `clients` those of the two halves of a dialect,
`providers` those of endpoints and event sources. A check raises AssertionError with what is wrong; examples are drawn
by hypothesis, always the same ones. Checks that need both halves of a dialect take the other from what is installed;
they are left out where there is none, and where a dialect has no conversations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import ModuleType

from ...dialect import ServerDialect
from .. import installed
from . import clients, plugins, providers, servers
from .check import Check

__all__ = ["Check", "checks"]


def checks(plugin: ModuleType, environ: Mapping[str, str] | None = None, public: Collection[str] = ()) -> list[Check]:
    """All that concern this plugin. environ: variables that it sees; every setting is at its default.

    Their values are secrets, which must not show; public: names of those that are not, as of an address.
    """
    found = plugins.checks(plugin)
    registered = installed.objects(plugin, installed.bare_settings(environ))
    secrets = [value for name, value in (environ or {}).items() if name not in public]
    for dialect in registered.servers:
        half = installed.client_half(dialect.name, registered.clients) if _generates(dialect) else None
        found += servers.checks(dialect, half)
    for client in registered.clients:
        other = installed.server_half(client.name, registered.servers)
        found += clients.checks(client, other if other is not None and _generates(other) else None)
    for provider in registered.providers:
        found += providers.checks(provider, secrets)
    return found


def _generates(server: ServerDialect) -> bool:
    """Whether it has conversations; what is only passed through is checked by its own tests."""
    return any(operation.kind == "generate" for operation in server.operations)
