"""Conversations on SQL. Items keep the places that they were given, so that what came before a response is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway import Conflict, Conversation, ConversationItem, Conversations, Owner

from .database import Database, Transaction
from .text import check, storable

_OWNED = "user_id = ?1 AND key_id = ?2 AND id = ?3"
_COLUMNS = "id, user_id, key_id, created, expires, metadata"
_INSERT = f"""
INSERT INTO conversations ({_COLUMNS}, next_place) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (id) DO NOTHING RETURNING id
"""  # noqa: S608 - the names are ours
_GET = f"SELECT {_COLUMNS} FROM conversations WHERE {_OWNED} AND expires > ?4"  # noqa: S608
_UPDATE = f"UPDATE conversations SET metadata = ?5 WHERE {_OWNED} AND expires > ?4 RETURNING id"  # noqa: S608
_MINE = f"SELECT id FROM conversations WHERE {_OWNED}"  # noqa: S608
_TAKE = f"""
UPDATE conversations SET next_place = next_place + ?5, expires = CASE WHEN expires < ?6 THEN ?6 ELSE expires END
WHERE {_OWNED} AND expires > ?4 RETURNING next_place
"""  # noqa: S608
_ADD = "INSERT INTO conversation_items (conversation_id, place, id, body) VALUES (?1, ?2, ?3, ?4)"
_SIZE = "SELECT SUM(LENGTH(body)) FROM conversation_items WHERE conversation_id = ?1 AND place < ?2"
_ITEMS = "SELECT id, body, place FROM conversation_items WHERE conversation_id = ?1 AND place < ?2 ORDER BY place"
_NEWEST = """
SELECT id, body, place FROM conversation_items WHERE conversation_id = ?1 AND place >= (
    SELECT MIN(place) FROM (
        SELECT place, SUM(LENGTH(body)) OVER (ORDER BY place DESC) AS size
        FROM conversation_items WHERE conversation_id = ?1
    ) AS sized WHERE size <= ?2
) ORDER BY place
"""
_REMOVE = "DELETE FROM conversation_items WHERE conversation_id = ?1 AND id = ?2 RETURNING id"
_DELETE = (
    "DELETE FROM response_frames WHERE response_id IN (SELECT id FROM responses WHERE conversation_id = ?1)",
    "DELETE FROM response_steps WHERE response_id IN (SELECT id FROM responses WHERE conversation_id = ?1)",
    "DELETE FROM responses WHERE conversation_id = ?1",
    "DELETE FROM conversation_items WHERE conversation_id = ?1",
    "DELETE FROM conversations WHERE id = ?1",
)
EVERYWHERE = 2**62
"""A place that none comes behind."""
_metadata = msgspec.json.Decoder(dict[str, str])


class SqlConversations(Conversations):
    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, conversation: Conversation, items: Sequence[ConversationItem]) -> None:
        """Raises Conflict where there is one with its id, BadCall for what is no text."""
        one = conversation
        check("An item's id", *(item.id for item in items))
        values = (
            one.id,
            one.owner.user_id,
            one.owner.key_id,
            one.created,
            one.expires,
            _written(one.metadata),
            len(items),
        )

        async def insert(transaction: Transaction) -> None:
            if not await transaction.rows(_INSERT, values):
                raise Conflict("There is a conversation with this id already.")
            await transaction.many(_ADD, [(one.id, place, item.id, item.body) for place, item in enumerate(items)])

        await self._database.write(insert)

    async def get(self, owner: Owner, conversation_id: str, now: float) -> Conversation | None:
        if not storable(conversation_id):
            return None
        rows = await self._database.rows(_GET, (owner.user_id, owner.key_id, conversation_id, now))
        return _conversation(rows[0]) if rows else None

    async def update(self, owner: Owner, conversation_id: str, metadata: Mapping[str, str], now: float) -> bool:
        values = (owner.user_id, owner.key_id, conversation_id, now, _written(metadata))

        async def update(transaction: Transaction) -> bool:
            return bool(await transaction.rows(_UPDATE, values))

        return storable(conversation_id) and await self._database.write(update)

    async def delete(self, owner: Owner, conversation_id: str) -> bool:
        async def remove(transaction: Transaction) -> bool:
            values = (owner.user_id, owner.key_id, conversation_id)
            if not await transaction.rows(f"{_MINE} {transaction.for_update}", values):
                return False
            for statement in _DELETE:
                await transaction.rows(statement, (conversation_id,))
            return True

        return storable(conversation_id) and await self._database.write(remove)

    async def add(
        self,
        owner: Owner,
        conversation_id: str,
        items: Sequence[ConversationItem],
        now: float,
        expires: float | None = None,
    ) -> Sequence[ConversationItem] | None:
        """Raises BadCall for what is no text."""
        if not storable(conversation_id):
            return None
        check("An item's id", *(item.id for item in items))
        values = (owner.user_id, owner.key_id, conversation_id, now, len(items), expires or 0.0)

        async def add(transaction: Transaction) -> Sequence[ConversationItem] | None:
            rows = await transaction.rows(_TAKE, values)
            if not rows:
                return None
            first = rows[0][0] - len(items)
            placed = [ConversationItem(item.id, item.body, first + n) for n, item in enumerate(items)]
            await transaction.many(_ADD, [(conversation_id, item.place, item.id, item.body) for item in placed])
            return placed

        return await self._database.write(add)

    async def items(
        self, owner: Owner, conversation_id: str, now: float, most: int, before: int | None = None
    ) -> Sequence[ConversationItem] | None:
        if await self.get(owner, conversation_id, now) is None:
            return ()
        values = (conversation_id, EVERYWHERE if before is None else before)
        if ((await self._database.rows(_SIZE, values))[0][0] or 0) > most:
            return None
        return [_item(row) for row in await self._database.rows(_ITEMS, values)]

    async def newest(self, owner: Owner, conversation_id: str, now: float, most: int) -> Sequence[ConversationItem]:
        if await self.get(owner, conversation_id, now) is None:
            return ()
        return [_item(row) for row in await self._database.rows(_NEWEST, (conversation_id, most))]

    async def remove(self, owner: Owner, conversation_id: str, item_id: str, now: float) -> bool:
        async def remove(transaction: Transaction) -> bool:
            if not await transaction.rows(_GET, (owner.user_id, owner.key_id, conversation_id, now)):
                return False
            return bool(await transaction.rows(_REMOVE, (conversation_id, item_id)))

        return storable(conversation_id) and storable(item_id) and await self._database.write(remove)


def _written(metadata: Mapping[str, str]) -> str:
    """Raises BadCall for what is no text."""
    check("The metadata", *metadata.keys(), *metadata.values())
    return msgspec.json.encode(dict(metadata)).decode()


def _item(row: Sequence[Any]) -> ConversationItem:
    """From a row of id, body and place."""
    return ConversationItem(row[0], bytes(row[1]), row[2])


def _conversation(row: Sequence[Any]) -> Conversation:
    """From a row of _COLUMNS."""
    return Conversation(row[0], Owner(row[1], row[2]), row[3], row[4], _metadata.decode(row[5]))
