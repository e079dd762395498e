"""LibreChat's own routes, /api/assistants/v1 and /api/assistants/v2: assistants as its client lists and edits them.

Both are answered by version 2 of the API. Source: LibreChat `api/server/routes/assistants`,
`api/server/controllers/assistants`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from gateway import Answer, BadCall, Inbound, Principal, RouteSpec, Services, Settings, Unsupported

from .access import Access, Document
from .endpoint import AssistantsProvider
from .owners import ASSISTANT, Aside
from .server import members_of, without_files

Version = Literal["v1", "v2"]
PAGES = 50
"""Of a list, at most."""
OLD, NEW = "retrieval", "file_search"
"""A tool's name in version 1, and in 2."""
Starter = Annotated[str, Meta(max_length=1000)]


class _Own(Struct):
    """Members that are LibreChat's and not the API's."""

    endpoint: str = ""
    conversation_starters: Annotated[list[Starter], Meta(max_length=20)] | UnsetType | None = UNSET
    append_current_datetime: bool | UnsetType | None = UNSET

    @property
    def is_said(self) -> bool:
        return self.conversation_starters is not UNSET or self.append_current_datetime is not UNSET

    def over(self, before: Aside) -> Aside:
        starters, dated = self.conversation_starters, self.append_current_datetime
        return Aside(
            before.conversation_starters if starters is UNSET else tuple(starters or ()),
            before.append_current_datetime if dated is UNSET else bool(dated),
        )


class LibreChatRoutes:
    def __init__(self, access: Access, version: Version) -> None:
        self._access, self._version = access, version

    async def list(self, inbound: Inbound, principal: Principal) -> Answer:
        """All of them, on whatever pages; the caller's own say what is kept beside the API."""
        provider = await self._access.chosen(inbound, principal)
        known = set(await provider.models_for(principal))
        asides = await self._access.owners.asides(provider.endpoint, principal.user_id)
        all_ = await self._all(inbound, provider, principal)
        data = [
            self._shown(provider, one, principal, asides.get(str(one.get("id"))))
            for one in all_
            if one.get("id") in known
        ]
        ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
        return _answer({"object": "list", "data": data, "has_more": False, **ends})

    async def create(self, inbound: Inbound, principal: Principal) -> Answer:
        self._access.check_maker(principal)
        said, own = await self._said(inbound)
        provider = await self._access.chosen(inbound, principal, own.endpoint)
        body = msgspec.json.encode(_signed(said, provider, principal))
        made = await self._access.told(provider, principal, "POST", "/assistants", body=body)
        await self._access.owners.made(ASSISTANT, provider.endpoint, str(made.get("id")), principal.user_id)
        aside = await self._kept(provider, str(made.get("id")), principal, own)
        return _answer(self._shown(provider, made, principal, aside), 201)

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, name = await self._access.assistant(inbound, principal, inbound.query.get("endpoint", ""))
        found = await self._access.told(provider, principal, "GET", f"/assistants/{name}")
        asides = await self._access.owners.asides(provider.endpoint, principal.user_id)
        return _answer(self._shown(provider, found, principal, asides.get(name)))

    async def change(self, inbound: Inbound, principal: Principal) -> Answer:
        said, own = await self._said(inbound)
        named = own.endpoint or inbound.query.get("endpoint", "")
        provider, name = await self._access.own(inbound, principal, named)
        if "metadata" in said:
            said = _signed(said, provider, principal)
        body = msgspec.json.encode(said)
        found = await self._access.told(provider, principal, "POST", f"/assistants/{name}", body=body)
        return _answer(self._shown(provider, found, principal, await self._kept(provider, name, principal, own)))

    async def delete(self, inbound: Inbound, principal: Principal) -> Answer:
        provider, name = await self._access.own(inbound, principal, inbound.query.get("endpoint", ""))
        gone = await self._access.told(provider, principal, "DELETE", f"/assistants/{name}")
        await self._access.owners.gone(ASSISTANT, provider.endpoint, name)
        return _answer(gone)

    async def documents(self, inbound: Inbound, principal: Principal) -> Answer:
        """What is kept of the caller's own beside the API."""
        provider = await self._access.chosen(inbound, principal)
        found = await self._access.owners.asides(provider.endpoint, principal.user_id)
        return _answer([{"assistant_id": name, **_aside(one), **_times(one)} for name, one in found.items()])

    async def tools(self, inbound: Inbound, principal: Principal) -> Answer:
        """None: an assistant's functions are run by its clients."""
        await self._access.chosen(inbound, principal)
        return _answer([])

    async def chat(self, inbound: Inbound, principal: Principal) -> Answer:
        raise Unsupported(
            "LibreChat's own protocol of chats with assistants is not served here. Run the assistant at "
            "POST /v1/threads/runs, or name its id as `model` in POST /v1/chat/completions."
        )

    async def _all(self, inbound: Inbound, provider: AssistantsProvider, principal: Principal) -> Sequence[Document]:
        """Raises UpstreamError."""
        asked = {"limit": "100", "order": "desc"}
        asked |= {
            name: inbound.query[name] for name in ("limit", "order", "after", "before") if inbound.query.get(name)
        }
        found: list[Document] = []
        for _ in range(PAGES):
            page = await self._access.told(provider, principal, "GET", "/assistants", asked)
            data = page.get("data") or ()
            found += data
            if not page.get("has_more") or not data:
                break
            asked["after"] = str(data[-1].get("id"))
        return found

    async def _said(self, inbound: Inbound) -> tuple[Document, _Own]:
        """What the API is told, and what it is not. Raises BadCall."""
        said = dict(members_of(await inbound.receive()))
        without_files(said)
        try:
            own = msgspec.convert(said, _Own)
        except msgspec.ValidationError as error:
            raise BadCall(f"The body is no assistant: {error}.") from error
        for name in (*_Own.__struct_fields__, "file_ids"):
            said.pop(name, None)
        if "tools" in said:
            said["tools"] = [_tool(one) for one in _listed(said["tools"])]
        return said, own

    async def _kept(self, provider: AssistantsProvider, name: str, principal: Principal, own: _Own) -> Aside | None:
        """Raises Unavailable."""
        owners, user = self._access.owners, principal.user_id
        before = (await owners.asides(provider.endpoint, user)).get(name)
        if not own.is_said:
            return before
        after = own.over(before or Aside())
        await owners.keep_aside(provider.endpoint, name, user, after)
        return after

    def _shown(
        self, provider: AssistantsProvider, found: Document, principal: Principal, aside: Aside | None
    ) -> Document:
        told = {**self._access.seen(provider, found, principal), **(_aside(aside) if aside is not None else {})}
        if self._version == "v1":
            tools = [{**one, "type": OLD} if one.get("type") == NEW else one for one in told.get("tools") or ()]
            told |= {"tools": tools, "file_ids": []}
        return told


def _signed(said: Document, provider: AssistantsProvider, principal: Principal) -> Document:
    """LibreChat's client looks there for whose it is; here nobody else relies on it."""
    given = said.get("metadata")
    about = {**(given if isinstance(given, dict) else {}), "author": principal.user_id, "endpoint": provider.endpoint}
    return {**said, "metadata": about}


def _listed(tools: object) -> Sequence[object]:
    if not isinstance(tools, list | None):
        raise BadCall("`tools` is no list.", param="tools")
    return tools or ()


def _tool(tool: object) -> object:
    """Raises BadCall for one of LibreChat's own, by its name."""
    if isinstance(tool, str):
        raise BadCall(
            f"There is no tool {tool[:100]!r} here; an assistant has functions and tools of the API.", param="tools"
        )
    return {**tool, "type": NEW} if isinstance(tool, dict) and tool.get("type") == OLD else tool


def _aside(aside: Aside) -> Mapping[str, Any]:
    return {
        "conversation_starters": aside.conversation_starters,
        "append_current_datetime": aside.append_current_datetime,
    }


def _times(aside: Aside) -> Mapping[str, str]:
    return {"createdAt": _iso(aside.created), "updatedAt": _iso(aside.updated)}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def librechat_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    access, found = Access(settings, services), []
    for version in ("v1", "v2"):
        own, path = LibreChatRoutes(access, version), f"/api/assistants/{version}"
        one = f"{path}/{{assistant_id}}"
        found += [
            RouteSpec("GET", path, own.list, summary="Assistants that the caller may run"),
            RouteSpec("POST", path, own.create, summary="Make an assistant of one's own"),
            RouteSpec("GET", f"{path}/documents", own.documents, summary="What is kept beside one's own assistants"),
            RouteSpec("GET", f"{path}/tools", own.tools, summary="Tools that assistants could be given: none"),
            RouteSpec("POST", f"{path}/chat", own.chat, summary="Not served; the error says what is"),
            RouteSpec("GET", one, own.get, summary="One assistant", segment=True),
            RouteSpec("PATCH", one, own.change, summary="Change one of one's own", segment=True),
            RouteSpec("DELETE", one, own.delete, summary="Delete one of one's own", segment=True),
        ]
    return found


def _answer(value: object, status: int = 200) -> Answer:
    return Answer(msgspec.json.encode(value), status)
