"""Owners: whose assistants, threads and waiting runs are, of those that were made through the gateway.

The upstream knows one key for all. What nobody here made is the operator's: its assistants are for everybody who may
call them, its threads for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar, cast

import msgspec
from msgspec import Struct

from gateway import Conflict, Follower, Lifespan, NotFound, Resource, Resources, Sealed, Secret, Services, Unavailable

ASSISTANT, THREAD, RUN, ASIDE = "assistant", "assistantThread", "assistantRun", "assistantAside"
T = TypeVar("T", bound=Struct)
_STATE = "provider-assistants.owners"


class Waiting(Struct, frozen=True):
    """A run that waits for outputs of tools, and whose assistant it is."""

    endpoint: str
    thread: str
    assistant: str


class Aside(Struct, frozen=True):
    """What LibreChat keeps of an assistant beside the API. Times are epoch seconds."""

    conversation_starters: Sequence[str] = ()
    append_current_datetime: bool = False
    created: float = 0.0
    updated: float = 0.0


class Owners:
    """by_assistant: users' ids by endpoint and assistant. known: whether they were read."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.by_assistant: Mapping[tuple[str, str], str] = {}
        self.known = False

    @staticmethod
    def of(services: Services) -> Owners:
        """The one of this process. What was read survives a reload."""
        kept = cast("Owners | None", services.state.get(_STATE))
        if kept is None or kept._services.store is not services.store:
            kept = services.state[_STATE] = Owners(services)
        return kept

    def allow(self, endpoint: str, assistant: str, user: str) -> bool:
        """Whether this user may know of it."""
        return self.by_assistant.get((endpoint, assistant), user) == user

    def owns(self, endpoint: str, assistant: str, user: str) -> bool:
        return bool(user) and self.by_assistant.get((endpoint, assistant)) == user

    def of_user(self, endpoint: str, user: str) -> list[str]:
        return [name for (where, name), one in self.by_assistant.items() if where == endpoint and user and one == user]

    async def load(self) -> None:
        """Raises Unavailable."""
        found = await self._kept().list(ASSISTANT)
        self.by_assistant, self.known = {_named(one.id): one.user_id for one in found}, True

    async def made(self, kind: str, endpoint: str, name: str, user: str) -> None:
        """Raises Unavailable."""
        now = self._services.clock()
        try:
            await self._kept().create(Resource(kind, f"{endpoint}/{name}", user, b"", created=now, updated=now))
        except Conflict:
            return  # It is told again, as a stream that goes on does.
        if kind == ASSISTANT:
            await self.load()

    async def gone(self, kind: str, endpoint: str, name: str) -> None:
        """Raises Unavailable."""
        await self._kept().delete(kind, f"{endpoint}/{name}")
        if kind == ASSISTANT:
            await self._kept().delete(ASIDE, f"{endpoint}/{name}")
            await self.load()

    async def endpoint_of(self, thread: str, user: str, endpoints: Sequence[str]) -> str:
        """Where this user's thread is. Raises NotFound and Unavailable."""
        for endpoint in endpoints:
            one = await self._kept().get(THREAD, f"{endpoint}/{thread}")
            if one is not None and user and one.user_id == user:
                return endpoint
        raise NotFound(f"No thread found with id '{thread}'.", param="thread_id")

    async def asides(self, endpoint: str, user: str) -> Mapping[str, Aside]:
        """Of this user's assistants there, by their ids. Raises Unavailable."""
        found: dict[str, Aside] = {}
        for one in await self._kept().list(ASIDE):
            where, name = _named(one.id)
            aside = self._opened(one, Aside) if where == endpoint and one.user_id == user else None
            if aside is not None:
                found[name] = msgspec.structs.replace(aside, created=one.created, updated=one.updated)
        return found

    async def keep_aside(self, endpoint: str, name: str, user: str, aside: Aside) -> None:
        """In place of what was kept. Raises Unavailable."""
        now = self._services.clock()
        one = self._sealed(Resource(ASIDE, f"{endpoint}/{name}", user, b"", created=now, updated=now), aside)
        before = await self._kept().get(ASIDE, one.id)
        if before is not None:
            one = msgspec.structs.replace(one, created=before.created)
            await self._kept().update(one)
        else:
            await self._kept().create(one)

    async def waits(self, run: str, waiting: Waiting, user: str) -> None:
        """Raises Unavailable."""
        now = self._services.clock()
        one = self._sealed(Resource(RUN, run, user, b"", created=now, updated=now), waiting)
        await self._kept().delete(RUN, run)
        await self._kept().create(one)

    async def waiting(self, run: str, thread: str, user: str) -> Waiting:
        """Raises NotFound and Unavailable."""
        one = await self._kept().get(RUN, run)
        if one is not None and user and one.user_id == user:
            found = self._opened(one, Waiting)
            if found is not None and found.thread == thread:
                return found
        raise NotFound(f"No run found with id '{run}' that waits for outputs of tools.", param="run_id")

    async def answered(self, run: str) -> None:
        await self._kept().delete(RUN, run)

    def _sealed(self, resource: Resource, document: Struct) -> Resource:
        """Raises Unavailable."""
        vault = self._services.vault
        if vault is None:
            raise Unavailable("There is no vault here to keep this in; set CREDS_KEY.")
        text = Secret(msgspec.json.encode(document).decode())
        return msgspec.structs.replace(resource, sealed=vault.seal(text, resource.owner))

    def _opened(self, resource: Resource, kind: type[T]) -> T | None:
        """None where it cannot be read."""
        vault = self._services.vault
        try:
            text = vault.open(resource.sealed, resource.owner).reveal() if vault is not None else ""
            return msgspec.json.decode(text, type=kind)
        except (Sealed, msgspec.MsgspecError):
            return None

    def _kept(self) -> Resources:
        store = self._services.store
        if store is None or store.resources is None:
            raise Unavailable("There is no store here that keeps whose threads are; install plugins/store-sql.")
        return store.resources


def _named(resource_id: str) -> tuple[str, str]:
    endpoint, _, name = resource_id.partition("/")
    return endpoint, name


def follower(services: Services) -> Sequence[Lifespan]:
    store, owners = services.store, Owners.of(services)
    if store is None or store.resources is None:
        return ()
    revision = partial(store.resources.revision, ASSISTANT)
    return (Follower("assistants", revision, owners.load, services.log, known=owners.known),)
