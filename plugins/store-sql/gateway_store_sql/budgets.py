"""Budgets on SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway import Budget, Budgets
from gateway.money import Window

from .changes import BUDGETS, REVISION, changed
from .database import Database, Transaction, Value
from .text import check, storable

COLUMNS = "name, kind, subject, amount, units, unit, zone, anchor, soft"
_PUT = f"""
INSERT INTO budgets ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (name) DO UPDATE SET amount = excluded.amount, units = excluded.units, unit = excluded.unit,
zone = excluded.zone, anchor = excluded.anchor, soft = excluded.soft
"""  # noqa: S608 - the names are ours
_ALL = f"SELECT {COLUMNS} FROM budgets"  # noqa: S608
_REMOVE = "DELETE FROM budgets WHERE name = ?1 RETURNING name"


class SqlBudgets(Budgets):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> Sequence[Budget]:
        rows = await self._database.rows(_ALL)
        return sorted((_budget(row) for row in rows), key=lambda one: (one.kind, one.subject, one.window.label))

    async def put(self, budget: Budget) -> None:
        """Raises BadCall for a subject that is no text."""
        await self._database.write(lambda transaction: put(transaction, [budget]))

    async def remove(self, name: str) -> bool:
        async def remove(transaction: Transaction) -> bool:
            await changed(transaction, BUDGETS)
            return bool(await transaction.rows(_REMOVE, (name,)))

        return storable(name) and await self._database.write(remove)

    async def revision(self) -> int:
        found = await self._database.rows(REVISION, (BUDGETS,))
        return int(found[0][0]) if found else 0


async def put(transaction: Transaction, budgets: Sequence[Budget]) -> None:
    """Raises BadCall for a subject that is no text."""
    for budget in budgets:
        check("The budget's subject or zone", budget.subject, budget.window.zone)
    await changed(transaction, BUDGETS)
    for budget in budgets:
        await transaction.rows(_PUT, _row(budget))


def _row(budget: Budget) -> tuple[Value, ...]:
    window = budget.window
    return (
        budget.name,
        budget.kind,
        budget.subject,
        budget.amount,
        window.count,
        window.unit,
        window.zone,
        window.anchor,
        int(budget.soft),
    )


def _budget(row: Sequence[Any]) -> Budget:
    _, kind, subject, amount, units, unit, zone, anchor, soft = row
    return Budget(kind, subject, amount, Window(units, unit, zone, anchor), bool(soft))
