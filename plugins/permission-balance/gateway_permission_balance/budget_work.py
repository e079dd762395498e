"""What the commands and the routes of admins do with budgets."""

from __future__ import annotations

import time
from typing import NamedTuple, get_args

import msgspec

from gateway import Budget, Budgets, NotFound, Settings, Store
from gateway.budgets import EACH, BudgetKind
from gateway.ledger import Grant
from gateway.money import Window

from .budget_shown import BudgetShown, Called, Listed, Listing, listing
from .commands import ledger_of, user_id


class Wanted(NamedTuple):
    """who: as `key:key_1`. amount: nano-USD."""

    who: str
    amount: int
    window: Window
    soft: bool


async def all_budgets(settings: Settings, store: Store) -> list[BudgetShown]:
    """Those of the configuration and of the store, by kind, subject and window."""
    found = await listing(settings, store)
    return [found.shown(one, time.time()) for one in found.all(await _called(store))]


async def put(settings: Settings, store: Store, wanted: Wanted) -> BudgetShown:
    """Raises NotFound where there is nobody of that name."""
    budget = Budget(*await _whose(store, wanted.who), wanted.amount, wanted.window, wanted.soft)
    await _budgets_of(store).put(budget)
    found = await listing(settings, store)
    return found.shown(_one(found, budget.name, await _called(store)), time.time())


async def forget(store: Store, name: str) -> None:
    """Raises NotFound."""
    if not await _budgets_of(store).remove(name):
        raise NotFound(f"The store has no budget {name!r}; see: gateway budgets list (those of files stand there)")


async def start_again(settings: Settings, store: Store, name: str, given: Grant) -> BudgetShown:
    """given: its key, reason and actor. Raises NotFound."""
    listed = _one(await listing(settings, store), name, await _called(store))
    if not listed.alone:
        raise NotFound(f"{name} is what each of several has; reset theirs, as listed once they have called.")
    budget, now = listed.budget, time.time()
    await ledger_of(store).grant(msgspec.structs.replace(given, owner=budget.owner), budget.terms(now))
    return (await listing(settings, store)).shown(listed, now)


async def _whose(store: Store, text: str) -> tuple[BudgetKind, str]:
    """Raises NotFound: a budget of who does not exist would bind nobody."""
    kind, _, subject = text.partition(":")
    if kind not in get_args(BudgetKind) or (kind == "organisation") == bool(subject):
        raise NotFound(
            f"{text!r} is nobody; write organisation, or group:NAME, user:NAME, key:ID, agent:ID, run:USER/NAME, or"
            " `*` in place of the name."
        )
    if subject == EACH:
        return kind, subject  # type: ignore[return-value]
    if kind == "user":
        subject = await user_id(store, subject)
    elif kind == "group" and store.groups is not None:
        found = await store.groups.find(subject)
        subject = subject if found is None else found.id
    elif kind == "key" and all(key.id != subject for key in await store.keys.list()):
        raise NotFound(f"There is no key {subject!r}; see: gateway keys list")
    elif kind == "run":
        user, _, run = subject.partition("/")
        if not run:
            raise NotFound(f"{text!r} is no run; write run:USER/NAME.")
        subject = f"{await user_id(store, user)}/{run}"
    return kind, subject  # type: ignore[return-value]


def _budgets_of(store: Store) -> Budgets:
    if store.budgets is None:
        raise NotFound(f"The store {store.name} keeps no budgets; plugins/store-sql does.")
    return store.budgets


def _one(found: Listing, name: str, called: Called) -> Listed:
    for listed in found.all(called):
        if listed.budget.name == name:
            return listed
    raise NotFound(f"There is no budget {name!r}; see: gateway budgets list")


async def _called(store: Store) -> Called:
    groups = await store.groups.list() if store.groups is not None else ()
    users = {("user", user.id): user.email for user in await store.users.list()}
    return {**users, **{("group", group.id): group.name for group in groups}}
