"""Agents of a plan, and the grants on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from gateway import AccessGrant, Agent
from gateway.identity import REMOTE_AGENT

from ..plan import PlannedAgent, PlannedGrant
from ..verdict import Note
from .people_ids import Ids
from .place import Place

NO_AUTHOR = "its author is not here, so nobody is"
NOBODY = "whom it is for is not here"
OTHER = "a grant is here already, and stays as it is here"


async def agents(planned: Iterable[PlannedAgent], store: Place, ids: Ids, dry: bool) -> AsyncIterator[Note]:
    for agent in planned:
        if await store.agents.get(agent.id) is not None:
            yield Note("agents", agent.id, "known")
            continue
        author = ids.users.get(agent.author) or await store.identities.find(ids.source, agent.author)
        if not dry:
            await store.agents.put(Agent(id=agent.id, author=author or "", **agent.document))
        yield Note("agents", agent.id, *(("carried", "") if author else ("changed", NO_AUTHOR)))


async def grants(planned: Iterable[PlannedGrant], store: Place, ids: Ids, dry: bool) -> AsyncIterator[Note]:
    here = {_key(grant): grant for grant in await store.grants.list(REMOTE_AGENT)}
    new: list[AccessGrant] = []
    for one in planned:
        grant = _resolved(one, ids)
        shown = f"{one.agent} for {one.principal} {one.principal_id}".strip()
        if grant is None:
            yield Note("access", shown, "dropped", NOBODY)
        elif (there := here.get(_key(grant))) is not None:
            yield Note("access", shown, "known", "" if there.bits == grant.bits else OTHER)
        else:
            here[_key(grant)] = grant
            new.append(grant)
            yield Note("access", shown, "carried")
    if new and not dry:
        await store.grants.change(put=new)


def _resolved(one: PlannedGrant, ids: Ids) -> AccessGrant | None:
    known = {"user": ids.users, "group": ids.groups}.get(one.principal)
    principal = one.principal_id if known is None else known.get(one.principal_id)
    if principal is None:
        return None
    by = ids.users.get(one.by, "")
    return AccessGrant(REMOTE_AGENT, one.agent, one.principal, principal, one.bits, by, one.granted)


def _key(grant: AccessGrant) -> tuple[str, str, str]:
    return grant.resource_id, grant.principal, grant.principal_id
