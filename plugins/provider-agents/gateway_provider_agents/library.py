"""Library: agents of the store, changed as documents. Routes and commands do it with this."""

from __future__ import annotations

import secrets
import string
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from typing import Any

from gateway import Agent, Agents, Conflict, NotFound, Page, Store, User

from .fields import Wrong, members, named_agents, required, with_own_id
from .versions import count, new, patched, replaced, reverted, without

_LETTERS = string.ascii_letters + string.digits + "_-"
LENGTH = 21
PAGE = 500


def new_id() -> str:
    """As LibreChat makes them: `nanoid`."""
    return "agent_" + "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))


class Library:
    """clock: epoch seconds. others: ids of agents that are not of the store. `by` is the id of who does it, `admin`
    whether that may say what only admins say.
    """

    def __init__(self, store: Store, clock: Callable[[], float], others: Collection[str] = ()) -> None:
        self._agents = agents_of(store)
        self._store = store
        self._clock = clock
        self._others = others

    def beside(self, others: Iterable[str]) -> Library:
        """One to which these agents are there, too: they are made together."""
        return Library(self._store, self._clock, {*self._others, *others})

    async def get(self, agent_id: str) -> Agent:
        """Raises NotFound."""
        return _there(agent_id, await self._agents.get(agent_id))

    async def all(self) -> AsyncIterator[Agent]:
        """By id, without their versions."""
        page = Page[Agent]((), "")
        while page.next is not None:
            page = await self._agents.list(PAGE, page.next)
            for agent in page.items:
                yield agent

    async def create(
        self, document: Mapping[str, Any], author: str, by: str, *, agent_id: str | None = None, admin: bool = False
    ) -> Agent:
        """Raises Wrong, and Conflict where there is one of that id."""
        required(document)
        made_id = agent_id or new_id()
        kept = with_own_id(members(document, admin=admin), made_id)
        await self.check_named(kept, made_id)
        now = self._clock()

        def make(agent: Agent | None) -> Agent:
            if agent is not None:
                raise Conflict(f"There is an agent {made_id!r} already.", param="id")
            return new(made_id, kept, author, by, now)

        return _there(made_id, await self._agents.change(made_id, make))

    async def update(
        self, agent_id: str, document: Mapping[str, Any], by: str, *, admin: bool = False
    ) -> tuple[Agent, bool]:
        """What it is then, and whether that is another than before. Raises Wrong, NotFound."""
        said = with_own_id(members(document, admin=admin), agent_id)
        if "avatar" in document and document["avatar"] is None:
            said["avatar"] = None
        await self.check_named(said, agent_id)
        return await self._change(agent_id, lambda agent, now: patched(agent, said, by, now))

    async def edit(self, agent_id: str, said: Callable[[Agent], Mapping[str, Any]], by: str) -> Agent:
        """said: members that change, out of what it is. Raises Wrong, NotFound."""
        agent, _ = await self._change(agent_id, lambda agent, now: patched(agent, said(agent), by, now))
        return agent

    async def revert(self, agent_id: str, which: Callable[[Agent], int], by: str) -> tuple[Agent, bool]:
        """which: the place of a version among those that are kept. Raises NotFound."""

        def revert(agent: Agent, now: float) -> Agent | None:
            index = which(agent)
            try:
                return reverted(agent, index, by, now)
            except IndexError as error:
                raise NotFound(f"Version {index} not found", param="version") from error

        return await self._change(agent_id, revert)

    async def put(
        self, agent_id: str, document: Mapping[str, Any], author: str | None, by: str
    ) -> tuple[Agent, bool, bool]:
        """It is what the document says, and nothing else, whatever it was: the agent, whether that is another than
        before, and whether it is new. author: None leaves it as it is. Raises Wrong.
        """
        required(document)
        kept = with_own_id(members(document, admin=True), agent_id)
        now, found = self._clock(), [False, False]

        def put(agent: Agent | None) -> Agent | None:
            becomes = (
                new(agent_id, kept, author or "", by, now) if agent is None else replaced(agent, kept, by, now, author)
            )
            found[:] = becomes is not None, agent is None
            return becomes

        agent = _there(agent_id, await self._agents.change(agent_id, put))
        return agent, found[0], found[1]

    async def delete(self, agent_id: str) -> None:
        """With what was granted on it, and the edges of others that lead to it. Raises NotFound."""
        if not await self._agents.delete(agent_id):
            raise _missing(agent_id)
        async for agent in self.all():
            if without(agent, agent_id) is not None:
                await self._agents.change(agent.id, lambda one: None if one is None else without(one, agent_id))

    async def author(self, text: str) -> str:
        """A user's id, by id, name or address; "" for nobody. Raises NotFound."""
        if not text:
            return ""
        user: User | None = await self._store.users.get(text) or await self._store.users.find(text)
        if user is None:
            raise NotFound(f"There is no user {text!r}; see: gateway users list", param="author")
        return user.id

    async def missing(self, document: Mapping[str, Any], but: str) -> list[str]:
        """Of the agents that it names, those that are not here."""
        named = named_agents(document) - {"", but, *self._others}
        return [one for one in sorted(named) if await self._agents.get(one) is None]

    async def check_named(self, document: Mapping[str, Any], own: str) -> None:
        """Raises Wrong for agents that are not here."""
        if gone := await self.missing(document, own):
            raise Wrong(f"{own} names agents that do not exist: {', '.join(map(repr, gone))}", ["edges"])

    async def _change(self, agent_id: str, work: Callable[[Agent, float], Agent | None]) -> tuple[Agent, bool]:
        now, changed = self._clock(), [False]

        def change(agent: Agent | None) -> Agent | None:
            becomes = work(_there(agent_id, agent), now)
            changed[0] = becomes is not None
            return becomes

        return _there(agent_id, await self._agents.change(agent_id, change)), changed[0]


def agents_of(store: Store) -> Agents:
    """Raises NotFound where the store keeps none."""
    if store.agents is None or store.grants is None:
        raise NotFound(f"The store {store.name} keeps no agents; plugins/store-sql does.")
    return store.agents


def number_of(agent: Agent, version: int) -> int:
    """The place among those that are kept of a version, counted from 1 on. Raises NotFound."""
    first = count(agent) - len(agent.versions) + 1
    if not first <= version < first + len(agent.versions):
        kept = f"those from {first} to {count(agent)} are kept" if agent.versions else "none are kept"
        raise NotFound(f"There is no version {version} of {agent.id}; {kept}.", param="version")
    return version - first


def _there(agent_id: str, agent: Agent | None) -> Agent:
    if agent is None:
        raise _missing(agent_id)
    return agent


def _missing(agent_id: str) -> NotFound:
    return NotFound(f"There is no agent {agent_id!r} in the store; see: gateway agents list", param="agent")
