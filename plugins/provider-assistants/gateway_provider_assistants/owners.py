"""Owners: whose assistants, threads and waiting runs are, of those that were made through the gateway.

The upstream knows one key for all. What nobody here made is the operator's: its assistants are for everybody who may
call them, its threads for nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import cast

import msgspec
from msgspec import Struct

from gateway import Conflict, Follower, Lifespan, NotFound, Resource, Resources, Sealed, Secret, Services, Unavailable

ASSISTANT, THREAD, RUN = "assistant", "assistantThread", "assistantRun"
_STATE = "provider-assistants.owners"


class Waiting(Struct, frozen=True):
    """A run that waits for outputs of tools, and whose assistant it is."""

    endpoint: str
    thread: str
    assistant: str


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
            await self.load()

    async def endpoint_of(self, thread: str, user: str, endpoints: Sequence[str]) -> str:
        """Where this user's thread is. Raises NotFound and Unavailable."""
        for endpoint in endpoints:
            one = await self._kept().get(THREAD, f"{endpoint}/{thread}")
            if one is not None and user and one.user_id == user:
                return endpoint
        raise NotFound(f"No thread found with id '{thread}'.", param="thread_id")

    async def waits(self, run: str, waiting: Waiting, user: str) -> None:
        """Raises Unavailable."""
        vault, now = self._services.vault, self._services.clock()
        if vault is None:
            raise Unavailable("There is no vault here to keep a waiting run in; set CREDS_KEY.")
        one = Resource(RUN, run, user, b"", created=now, updated=now)
        sealed = vault.seal(Secret(msgspec.json.encode(waiting).decode()), one.owner)
        await self._kept().delete(RUN, run)
        await self._kept().create(msgspec.structs.replace(one, sealed=sealed))

    async def waiting(self, run: str, thread: str, user: str) -> Waiting:
        """Raises NotFound and Unavailable."""
        one, vault = await self._kept().get(RUN, run), self._services.vault
        if one is not None and vault is not None and user and one.user_id == user:
            try:
                found = msgspec.json.decode(vault.open(one.sealed, one.owner).reveal(), type=Waiting)
            except (Sealed, msgspec.MsgspecError):
                found = None
            if found is not None and found.thread == thread:
                return found
        raise NotFound(f"No run found with id '{run}' that waits for outputs of tools.", param="run_id")

    async def answered(self, run: str) -> None:
        await self._kept().delete(RUN, run)

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
