"""What the store says, read from outside by its tables, on either database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import apsw
import asyncpg

Row = dict[str, Any]


class Rows(ABC):
    @abstractmethod
    async def all(self, table: str) -> list[Row]: ...

    @abstractmethod
    async def change(self, sql: str) -> None: ...

    async def outdate_holds(self) -> None:
        """As if the time of all that is held had passed. No gateway runs that could renew them."""
        await self.change("UPDATE holds SET expires = 1")


class SqliteRows(Rows):
    def __init__(self, file: Path) -> None:
        self._file = file

    async def all(self, table: str) -> list[Row]:
        cursor = self._connected().execute(f"SELECT * FROM {table}")
        rows = cursor.fetchall()
        if not rows:
            return []
        names = [name for name, *_ in self._connected().execute(f"SELECT name FROM pragma_table_info('{table}')")]
        return [dict(zip(names, row, strict=True)) for row in rows]

    async def change(self, sql: str) -> None:
        self._connected().execute(sql).fetchall()

    def _connected(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._file))
        connection.set_busy_timeout(10_000)
        return connection


class PostgresRows(Rows):
    def __init__(self, url: str) -> None:
        self._url = url

    async def all(self, table: str) -> list[Row]:
        connection = await asyncpg.connect(self._url)
        try:
            return [dict(row) for row in await connection.fetch(f"SELECT * FROM {table}")]
        finally:
            await connection.close()

    async def change(self, sql: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()
