"""A running gateway with balances, and its books as they stand in the store, read from outside."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import apsw

from gateway import UNLIMITED, Scopes
from gateway.testing.running import RunningGateway
from gateway.testing.stores import store_in

Json = dict[str, Any]
PRICES = {"prompt": 1, "completion": 2, "context": 100_000}
"""Credits for each token."""
DIALECTS = {"chat": "openai-chat", "responses": "open-responses", "messages": "anthropic-messages", "gemini": "gemini"}


def configured(url: str, start: float = 10_000, **balance: Any) -> Json:
    """An endpoint for each dialect, named after it, with the model `priced` at the upstream."""
    custom = [
        {
            "name": name,
            "apiKey": "k",
            "baseURL": f"{url}/{name}",
            "models": {"default": ["priced"]},
            "tokenConfig": {"priced": PRICES},
        }
        for name in DIALECTS
    ]
    return {
        "version": "1.3.17",
        "balance": {"enabled": True, "startBalance": start, **balance},
        "endpoints": {"custom": custom},
        "gateway": {
            "models": {"allow": {"roles": ["USER"]}},
            "provider-custom": {"dialects": {name: [dialect] for name, dialect in DIALECTS.items()}},
        },
    }


class Books:
    """What the store of a gateway says. user_id: whose; everybody's where it is None."""

    def __init__(self, gateway: RunningGateway, user_id: str | None = None) -> None:
        self._file = Path(gateway.environ["GATEWAY_STATE_DIR"]) / "gateway.db"
        self._user = user_id

    def rows(self, sql: str, *values: str) -> list[Json]:
        connection = apsw.Connection(str(self._file), flags=apsw.SQLITE_OPEN_READONLY)
        try:
            cursor = connection.execute(sql, values)
            return [dict(zip((name for name, _ in cursor.get_description()), row, strict=True)) for row in cursor]
        finally:
            connection.close()

    def change(self, sql: str) -> None:
        connection = apsw.Connection(str(self._file))
        connection.set_busy_timeout(5000)
        connection.execute(sql).fetchall()
        connection.close()

    def account(self) -> tuple[int, int, int]:
        """available, held, spent: nano-USD."""
        owner = f"user:{self._user or 'operator'}"
        rows = self.rows("SELECT available, held, spent FROM accounts WHERE owner = ?1", owner)
        return tuple(rows[0].values()) if rows else (0, 0, 0)  # type: ignore[return-value]

    def settlements(self) -> list[Json]:
        """Oldest first."""
        rows = self.rows("SELECT * FROM settlements ORDER BY at, attempt")
        return [row for row in rows if self._user in (None, row["user_id"])]

    def settled(self) -> Json:
        """The one settlement, when it is there."""
        eventually(lambda: len(self.settlements()) >= 1)
        [row] = self.settlements()
        return row

    def attempts(self) -> list[Json]:
        """Of all usage records, oldest first."""
        rows = self.rows("SELECT user_id, attempts FROM exchanges ORDER BY started, id")
        mine = [row for row in rows if self._user in (None, row["user_id"])]
        return [attempt for row in mine for attempt in json.loads(row["attempts"])]


async def _made(state: Path, names: Sequence[str], scopes: Scopes) -> list[tuple[str, str]]:
    store = store_in(state)
    await store.open()
    made = []
    for name in names:
        user, key = await store.users.create(name), "sk-" + secrets.token_hex(32)
        await store.keys.create(hashlib.sha256(key.encode()).hexdigest(), key[:8], name, user.id, scopes=scopes)
        made.append((user.id, key))
    await store.close()
    return made


def make_users(state: Path, names: Sequence[str], scopes: Scopes = UNLIMITED) -> list[tuple[str, str]]:
    """Id and key of each, in the store of a gateway that may run. scopes: of all the keys."""
    return asyncio.run(_made(state, names, scopes))


def eventually(check: Callable[[], bool], tries: int = 600) -> None:
    """Within so many twentieths of a second."""
    for _ in range(tries):
        if check():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come about")
