"""Budgets on SQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway import Budget, Budgets
from gateway.money import Window

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
_REVISION = "SELECT revision FROM revisions WHERE name = 'budgets'"
_CHANGED = "UPDATE revisions SET revision = revision + 1 WHERE name = 'budgets'"


class SqlBudgets(Budgets):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> Sequence[Budget]:
        rows = await self._database.rows(_ALL)
        return sorted((_budget(row) for row in rows), key=lambda one: (one.kind, one.subject, one.window.label))

    async def put(self, budget: Budget) -> None:
        """Raises BadCall for a subject that is no text."""
        check("The budget's subject or zone", budget.subject, budget.window.zone)

        async def put(transaction: Transaction) -> None:
            await transaction.rows(_PUT, _row(budget))
            await transaction.rows(_CHANGED)

        await self._database.write(put)

    async def remove(self, name: str) -> bool:
        async def remove(transaction: Transaction) -> bool:
            if not await transaction.rows(_REMOVE, (name,)):
                return False
            await transaction.rows(_CHANGED)
            return True

        return storable(name) and await self._database.write(remove)

    async def revision(self) -> int:
        return int((await self._database.rows(_REVISION))[0][0])


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
