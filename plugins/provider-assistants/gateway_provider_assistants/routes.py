"""/v1/assistants and /v1/threads as OpenAI's SDKs know them, but for runs that are started, which `server.py` has."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from gateway import Answer, Inbound, Principal, RouteSpec, Services, Settings

from .access import Access, Document
from .owners import ASSISTANT, THREAD
from .server import ident, members_of, without_files

PAGING = ("limit", "order", "after", "before", "run_id", "include[]")
Handler = Callable[[Inbound, Principal], Awaitable[Answer]]


class AssistantsRoutes:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._access = Access(settings, services)

    async def list(self, inbound: Inbound, principal: Principal) -> Answer:
        """Of one endpoint, the first that there is unless `?endpoint=` names another."""
        provider = await self._access.chosen(inbound, principal)
        found = await self._access.told(provider, principal, "GET", "/assistants", _paging(inbound))
        known = set(await provider.models_for(principal))
        data = [
            self._access.seen(provider, one, principal) for one in found.get("data") or () if one.get("id") in known
        ]
        return _answer({**found, "data": data})

    async def create(self, inbound: Inbound, principal: Principal) -> Answer:
        self._access.check_maker(principal)
        provider, body = await self._access.chosen(inbound, principal), await inbound.receive()
        without_files(members_of(body))
        made = await self._access.told(provider, principal, "POST", "/assistants", body=body)
        await self._access.owners.made(ASSISTANT, provider.endpoint, str(made.get("id")), principal.user_id)
        return _answer(made)

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, name = await self._access.assistant(inbound, principal)
        found = await self._access.told(provider, principal, "GET", f"/assistants/{name}")
        return _answer(self._access.seen(provider, found, principal))

    async def change(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, name = await self._access.own(inbound, principal)
        body = await inbound.receive()
        without_files(members_of(body))
        return _answer(await self._access.told(provider, principal, "POST", f"/assistants/{name}", body=body))

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, name = await self._access.own(inbound, principal)
        gone = await self._access.told(provider, principal, "DELETE", f"/assistants/{name}")
        await self._access.owners.gone(ASSISTANT, provider.endpoint, name)
        return _answer(gone)

    async def new_thread(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, body = await self._access.chosen(inbound, principal), await inbound.receive()
        without_files(members_of(body))
        made = await self._access.told(provider, principal, "POST", "/threads", body=body or b"{}")
        await self._access.owners.made(THREAD, provider.endpoint, str(made.get("id")), principal.user_id)
        return _answer(made)

    async def drop_thread(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, thread = await self._access.thread(inbound, principal)
        gone = await self._access.told(provider, principal, "DELETE", f"/threads/{thread}")
        await self._access.owners.gone(THREAD, provider.endpoint, thread)
        return _answer(gone)

    def below(self, method: str, path: str) -> Handler:
        """Of a thread; path: behind its id, as the upstream has it, too."""

        async def handler(inbound: Inbound, principal: Principal) -> Answer:
            provider, thread = await self._access.thread(inbound, principal)
            body = await inbound.receive() if method == "POST" else b""
            without_files(members_of(body))
            place = path.format(**{name: ident(inbound, name) for name in inbound.params})
            found = await self._access.told(
                provider, principal, method, f"/threads/{thread}{place}", _paging(inbound), body
            )
            return _answer(found)

        return handler


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
