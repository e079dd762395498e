"""/v1/assistants and /v1/threads as OpenAI's SDKs know them, but for runs that are started, which `server.py` has.

The upstream has one key for all, so each thread, and each assistant that is made here, is its user's alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from gateway import (
    Answer,
    BadCall,
    Forbidden,
    Inbound,
    NotFound,
    Principal,
    RolePermissions,
    RouteSpec,
    Services,
    Settings,
    Unavailable,
    UnknownModel,
)
from gateway.wire import jsontext

from .api import LARGEST, Api
from .endpoint import AssistantsProvider
from .owners import ASSISTANT, THREAD, Owners
from .server import ident, members_of, without_files

PAGING = ("limit", "order", "after", "before", "run_id", "include[]")
SHOWN = frozenset(("id", "object", "created_at", "name", "description"))
"""What is told of an assistant that the caller has not made: what it is told to do is the operator's."""
Document = dict[str, Any]
Handler = Callable[[Inbound, Principal], Awaitable[Answer]]


class AssistantsRoutes:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._services = services
        self._owners = Owners.of(services)
        self._roles = RolePermissions.of(settings, services)

    async def list(self, inbound: Inbound, principal: Principal) -> Answer:
        """Of one endpoint, the first that there is unless `?endpoint=` names another."""
        provider = await self._chosen(inbound, principal)
        found = await self._told(provider, principal, "GET", "/assistants", _paging(inbound))
        known = set(await provider.models_for(principal))
        data = [self._seen(provider, one, principal) for one in found.get("data") or () if one.get("id") in known]
        return _answer({**found, "data": data})

    async def create(self, inbound: Inbound, principal: Principal) -> Answer:
        self._check_maker(principal)
        provider, body = await self._chosen(inbound, principal), await inbound.receive()
        without_files(members_of(body))
        made = await self._told(provider, principal, "POST", "/assistants", body=body)
        await self._owners.made(ASSISTANT, provider.endpoint, str(made.get("id")), principal.user_id)
        return _answer(made)

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, name = await self._assistant(inbound, principal)
        found = await self._told(provider, principal, "GET", f"/assistants/{name}")
        return _answer(self._seen(provider, found, principal))

    async def change(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, name = await self._own(inbound, principal)
        body = await inbound.receive()
        without_files(members_of(body))
        return _answer(await self._told(provider, principal, "POST", f"/assistants/{name}", body=body))

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, name = await self._own(inbound, principal)
        gone = await self._told(provider, principal, "DELETE", f"/assistants/{name}")
        await self._owners.gone(ASSISTANT, provider.endpoint, name)
        return _answer(gone)

    async def new_thread(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, body = await self._chosen(inbound, principal), await inbound.receive()
        without_files(members_of(body))
        made = await self._told(provider, principal, "POST", "/threads", body=body or b"{}")
        await self._owners.made(THREAD, provider.endpoint, str(made.get("id")), principal.user_id)
        return _answer(made)

    async def drop_thread(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, thread = await self._thread(inbound, principal)
        gone = await self._told(provider, principal, "DELETE", f"/threads/{thread}")
        await self._owners.gone(THREAD, provider.endpoint, thread)
        return _answer(gone)

    def below(self, method: str, path: str) -> Handler:
        """Of a thread; path: behind its id, as the upstream has it, too."""

        async def handler(inbound: Inbound, principal: Principal) -> Answer:
            provider, thread = await self._thread(inbound, principal)
            body = await inbound.receive() if method == "POST" else b""
            without_files(members_of(body))
            place = path.format(**{name: ident(inbound, name) for name in inbound.params})
            found = await self._told(provider, principal, method, f"/threads/{thread}{place}", _paging(inbound), body)
            return _answer(found)

        return handler

    def _providers(self) -> Sequence[AssistantsProvider]:
        found = self._services.endpoints.values()
        return [one for one in found if isinstance(one, AssistantsProvider) and not one.unavailable]

    async def _chosen(self, inbound: Inbound, principal: Principal) -> AssistantsProvider:
        """Raises Forbidden, BadCall and Unavailable."""
        wanted, there = inbound.query.get("endpoint", ""), self._providers()
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

    async def _assistant(self, inbound: Inbound, principal: Principal) -> tuple[AssistantsProvider, str]:
        """One that the caller may call. Raises NotFound and Forbidden."""
        name = ident(inbound, "assistant_id")
        for provider in self._providers():
            await self._permit(provider, inbound, principal)
            if name in await provider.models_for(principal):
                return provider, name
        raise NotFound(f"No assistant found with id '{name}'.", param="assistant_id")

    async def _own(self, inbound: Inbound, principal: Principal) -> tuple[AssistantsProvider, str]:
        """One that the caller has made. Raises NotFound and Forbidden."""
        self._check_maker(principal)
        provider, name = await self._assistant(inbound, principal)
        if not self._owners.owns(provider.endpoint, name, principal.user_id):
            raise Forbidden("Only whoever made an assistant may change it.")
        return provider, name

    async def _thread(self, inbound: Inbound, principal: Principal) -> tuple[AssistantsProvider, str]:
        """One of the caller's. Raises NotFound."""
        thread, there = ident(inbound, "thread_id"), {one.endpoint: one for one in self._providers()}
        provider = there[await self._owners.endpoint_of(thread, principal.user_id, tuple(there))]
        await self._permit(provider, inbound, principal)
        return provider, thread

    def _check_maker(self, principal: Principal) -> None:
        if not self._roles.agents(principal.role).create:
            raise Forbidden("This user may make no agents, and so no assistants (interface.agents.create).")

    def _seen(self, provider: AssistantsProvider, found: Document, principal: Principal) -> Document:
        if self._owners.owns(provider.endpoint, str(found.get("id")), principal.user_id):
            return found
        hidden: Document = {"instructions": None, "model": "", "tools": [], "metadata": {}}
        return {**{name: value for name, value in found.items() if name in SHOWN}, **hidden}

    async def _told(
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


def routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    own = AssistantsRoutes(settings, services)
    one, thread = "/v1/assistants/{assistant_id}", "/v1/threads/{thread_id}"
    message, run = "/messages/{message_id}", "/runs/{run_id}"
    below = [
        ("GET", "", "One's own thread"),
        ("POST", "", "Change its metadata"),
        ("GET", "/messages", "Its messages"),
        ("POST", "/messages", "Add a message"),
        ("GET", message, "One message"),
        ("POST", message, "Change its metadata"),
        ("DELETE", message, "Delete it"),
        ("GET", "/runs", "Its runs"),
        ("GET", run, "One run"),
        ("POST", run, "Change its metadata"),
        ("POST", f"{run}/cancel", "Cancel it"),
        ("GET", f"{run}/steps", "Its steps"),
        ("GET", f"{run}/steps/{{step_id}}", "One step"),
    ]
    return [
        RouteSpec("GET", "/v1/assistants", own.list, summary="Assistants that the caller may run"),
        RouteSpec("POST", "/v1/assistants", own.create, summary="Make an assistant of one's own"),
        RouteSpec("GET", one, own.get, summary="One assistant", segment=True),
        RouteSpec("POST", one, own.change, summary="Change one of one's own", segment=True),
        RouteSpec("DELETE", one, own.delete, summary="Delete one of one's own", segment=True),
        RouteSpec("POST", "/v1/threads", own.new_thread, summary="Make a thread"),
        RouteSpec("DELETE", thread, own.drop_thread, summary="Delete one's own thread", segment=True),
        *(
            RouteSpec(method, thread + path, own.below(method, path), summary=words, segment=True)
            for method, path, words in below
        ),
    ]


def _paging(inbound: Inbound) -> Mapping[str, str]:
    return {name: inbound.query[name] for name in PAGING if name in inbound.query}


def _answer(value: Document) -> Answer:
    return Answer(msgspec.json.encode(value))
