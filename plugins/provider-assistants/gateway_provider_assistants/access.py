"""Access: which assistants and threads a caller may have, and what the upstream says of them.

The upstream has one key for all, so each thread, and each assistant that is made here, is its user's alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from gateway import (
    BadCall,
    Forbidden,
    Inbound,
    NotFound,
    Principal,
    RolePermissions,
    Services,
    Settings,
    Unavailable,
    UnknownModel,
)
from gateway.wire import jsontext

from .api import LARGEST, Api
from .endpoint import AssistantsProvider
from .owners import Owners
from .server import ident

SHOWN = frozenset(("id", "object", "created_at", "name", "description"))
"""What is told of an assistant that the caller has not made: what it is told to do is the operator's."""
Document = dict[str, Any]


class Access:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._services = services
        self.owners = Owners.of(services)
        self._roles = RolePermissions.of(settings, services)

    def _providers(self) -> Sequence[AssistantsProvider]:
        found = self._services.endpoints.values()
        return [one for one in found if isinstance(one, AssistantsProvider) and not one.unavailable]

    async def chosen(self, inbound: Inbound, principal: Principal, named: str = "") -> AssistantsProvider:
        """The first that there is, unless the caller has named one, or `?endpoint=` does. Raises Forbidden, BadCall and
        Unavailable.
        """
        wanted, there = named or inbound.query.get("endpoint", ""), self._providers()
        if not there:
            raise Unavailable("No endpoint of assistants can be called here.")
        fitting = [one for one in there if wanted in ("", one.endpoint)]
        if not fitting:
            names = ", ".join(one.endpoint for one in there)
            raise BadCall(f"There is no endpoint {wanted!r} of assistants; there are: {names}.", param="endpoint")
        await self._permit(fitting[0], inbound, principal)
        return fitting[0]

    async def _permit(self, provider: AssistantsProvider, inbound: Inbound, principal: Principal) -> None:
        """Assistants are for who may call models by themselves. Raises Forbidden."""
        if not principal.user_id:
            raise Forbidden("This credential belongs to no user, so nothing of it can be kept apart.")
        if principal.scopes is not None:
            raise Forbidden("A key with scopes runs assistants that it may call, and has nothing else of them.")
        with suppress(UnknownModel):
            await self._services.rehearsal.route(inbound, principal, f"{provider.endpoint}/any")

    async def assistant(
        self, inbound: Inbound, principal: Principal, named: str = ""
    ) -> tuple[AssistantsProvider, str]:
        """One that the caller may call. named: an endpoint. Raises NotFound and Forbidden."""
        name = ident(inbound, "assistant_id")
        for provider in (one for one in self._providers() if named in ("", one.endpoint)):
            await self._permit(provider, inbound, principal)
            if name in await provider.models_for(principal):
                return provider, name
        raise NotFound(f"No assistant found with id '{name}'.", param="assistant_id")

    async def own(self, inbound: Inbound, principal: Principal, named: str = "") -> tuple[AssistantsProvider, str]:
        """One that the caller has made. Raises NotFound and Forbidden."""
        self.check_maker(principal)
        provider, name = await self.assistant(inbound, principal, named)
        if not self.owners.owns(provider.endpoint, name, principal.user_id):
            raise Forbidden("Only whoever made an assistant may change it.")
        return provider, name

    async def thread(self, inbound: Inbound, principal: Principal) -> tuple[AssistantsProvider, str]:
        """One of the caller's. Raises NotFound."""
        thread, there = ident(inbound, "thread_id"), {one.endpoint: one for one in self._providers()}
        provider = there[await self.owners.endpoint_of(thread, principal.user_id, tuple(there))]
        await self._permit(provider, inbound, principal)
        return provider, thread

    def check_maker(self, principal: Principal) -> None:
        if not self._roles.agents(principal.role).create:
            raise Forbidden("This user may make no agents, and so no assistants (interface.agents.create).")

    def seen(self, provider: AssistantsProvider, found: Document, principal: Principal) -> Document:
        if self.owners.owns(provider.endpoint, str(found.get("id")), principal.user_id):
            return found
        hidden: Document = {"instructions": None, "model": "", "tools": [], "metadata": {}}
        return {**{name: value for name, value in found.items() if name in SHOWN}, **hidden}

    async def told(
        self,
        provider: AssistantsProvider,
        principal: Principal,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Document:
        """Raises UpstreamError."""
        api: Api = provider.api_for(principal)
        reply = await api.send(method, path, body, query=query)
        try:
            found = jsontext.anything(await reply.read(LARGEST))
        finally:
            reply.close()
        return found if isinstance(found, dict) else {}
