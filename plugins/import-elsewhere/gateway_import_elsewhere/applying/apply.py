"""A plan, step by step: who is named by others comes before them."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gateway import Terms

from ..plan import Plan
from ..verdict import Note
from .actions import actions
from .agents import agents, grants
from .budgets import budgets
from .keys import keys
from .logins import logins
from .money import balances
from .people import Users, groups, roles
from .people_ids import Ids
from .place import Place


async def apply(plan: Plan, store: Place, terms: Terms, ids: Ids, now: float, dry: bool) -> AsyncIterator[Note]:
    """ids: filled on the way. terms: by which accounts are opened. dry: tells, and makes nothing."""
    async for note in roles(plan, store, dry):
        yield note
    async for note in groups(plan.groups, store, ids, dry):
        yield note
    people = Users(store, plan.source, ids, dry)
    for user in plan.users:
        async for note in people.put(user):
            yield note
    async for note in logins(plan.users, store, ids, dry):
        yield note
    async for note in keys(plan.keys, store, ids, dry):
        yield note
    async for note in agents(plan.agents, store, ids, dry):
        yield note
    made = {agent.id for agent in plan.agents}
    async for note in actions(plan.actions, made, store, ids, now, dry):
        yield note
    async for note in grants(plan.grants, store, ids, dry):
        yield note
    async for note in balances(plan.balances, store, terms, ids, dry):
        yield note
    async for note in budgets(plan, store, ids, now, dry):
        yield note
    for note in plan.notes:
        yield note
