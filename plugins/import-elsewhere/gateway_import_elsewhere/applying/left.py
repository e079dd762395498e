"""What a plan has that this store has no place for, told rather than lost."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.money import in_usd

from ..plan import Plan, PlannedBudget
from ..verdict import Note

NO_BUDGETS = "the store keeps no budgets that are set while the gateway runs"
NO_LOGINS = "the store keeps no passwords, so the user comes in by keys or OpenID"


def left(plan: Plan) -> Iterator[Note]:
    for user in plan.users:
        login = user.login
        if login is not None and login.password.reveal():
            yield Note("users.password", user.name, "dropped", NO_LOGINS)
        if login is not None and login.totp is not None:
            yield Note("users.totpSecret", user.name, "dropped", NO_LOGINS)
        yield from _budgets(f"user {user.name}", user.budgets)
    for group in plan.groups:
        yield from _budgets(f"group {group.name}", group.budgets)
    for key in plan.keys:
        yield from _budgets(f"key {key.label}", key.budgets)


def _budgets(whose: str, budgets: tuple[PlannedBudget, ...]) -> Iterator[Note]:
    for one in budgets:
        text = f"{whose}: {in_usd(one.used)} of {in_usd(one.amount)} USD, {one.window}"
        yield Note("budgets", text, "dropped", NO_BUDGETS)
