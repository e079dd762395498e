"""/api/admin/budgets: what `gateway budgets` does."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from msgspec import Struct

from gateway import BadCall, RouteSpec, Services, Settings, Store, Unavailable
from gateway.admin import Asking, Listed, Nothing, Paged, changing, page_of, reading
from gateway.ledger import Grant
from gateway.money import Window, nano_of_credits, nano_of_usd, window_of

from .budget_shown import BudgetShown
from .budget_work import Wanted, all_budgets, forget, put, start_again


class BudgetAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """who: organisation, group:NAME, user:NAME, key:ID, agent:ID, run:USER/NAME, or `*` in place of the name. usd or
    credits: how much. per: the window, as `day`, `30 days`, `month`, `none`. soft: calls that pass it are let through.
    """

    who: str
    usd: int | float | None = None
    credits: int | float | None = None
    per: str = "none"
    zone: str = "UTC"
    soft: bool = False


class ResetAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """name: as listed. reason: kept in the journal."""

    name: str
    reason: str = ""


class Removed(Struct, frozen=True):
    removed: str


class BudgetAdmin:
    def __init__(self, settings: Settings, store: Store | None) -> None:
        self._settings = settings
        self._store = store

    async def list(self, asking: Asking[Paged, None]) -> Listed[BudgetShown]:
        found = sorted(await all_budgets(self._settings, self._kept()), key=lambda one: one.name)
        return page_of(found, asking.query, lambda one: one.name)

    async def put(self, asking: Asking[Nothing, BudgetAsked]) -> BudgetShown:
        """A new one counts from now on; one in place of another goes on counting in its window."""
        asked = asking.body
        wanted = Wanted(asked.who, _amount(asked), _window(asked), asked.soft)
        return await put(self._settings, self._kept(), wanted)

    async def remove(self, asking: Asking[Nothing, Nothing]) -> Removed:
        await forget(self._kept(), asking.params["name"])
        return Removed(asking.params["name"])

    async def reset(self, asking: Asking[Nothing, ResetAsked]) -> BudgetShown:
        asked, by = asking.body, asking.principal.user_id
        given = Grant(secrets.token_hex(12), "", "used", 0, asked.reason, by)
        return await start_again(self._settings, self._kept(), asked.name, given)

    def _kept(self) -> Store:
        if self._store is None:
            raise Unavailable("There is no store here that keeps budgets; install plugins/store-sql.")
        return self._store


def _amount(asked: BudgetAsked) -> int:
    """Nano-USD. Raises BadCall."""
    part = "usd" if asked.usd is not None else "credits"
    try:
        if asked.usd is not None and asked.credits is None:
            amount = nano_of_usd(asked.usd)
        elif asked.credits is not None and asked.usd is None:
            amount = nano_of_credits(asked.credits)
        else:
            raise ValueError("say how much: either usd or credits")
        if amount < 0:
            raise ValueError("nobody can spend less than nothing")
    except ValueError as error:
        raise BadCall(f"{error}.", param=part) from error
    return amount


def _window(asked: BudgetAsked) -> Window:
    """Raises BadCall."""
    try:
        return window_of(asked.per, asked.zone)
    except ValueError as error:
        raise BadCall(f"{error}.", param="per") from error


def budget_routes(settings: Settings, services: Services) -> Sequence[RouteSpec]:
    admin = BudgetAdmin(settings, services.store)
    words, again = "All budgets, of the configuration and of the store", "Let nothing be used of one in its window"
    return [
        reading("/budgets", admin.list, words, Paged, Listed[BudgetShown]),
        changing("PUT", "/budgets", admin.put, "Set one", BudgetAsked, BudgetShown),
        changing("DELETE", "/budgets/{name}", admin.remove, "Forget one of the store", Nothing, Removed),
        changing("POST", "/budgets/reset", admin.reset, again, ResetAsked, BudgetShown),
    ]
