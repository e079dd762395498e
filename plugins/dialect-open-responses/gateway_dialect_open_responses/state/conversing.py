"""The conversations API: conversations and their items."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Raw

from gateway import BadCall, Conversation, ConversationItem, Exchange, NotFound, Owner, TooLarge
from gateway.wire.jsontext import encode
from gateway.wire.members import TEXT, Members, parsed

from . import items, references
from .history import conversation_not_found
from .kept import Kept
from .paging import page

MOST_ITEMS = 20
"""That may be added at once."""
MOST_METADATA, KEY_LENGTH, VALUE_LENGTH = 16, 64, 512


async def serve(exchange: Exchange, kept: Kept, owner: Owner) -> bytes:
    """The reply's body. Raises GatewayError."""
    operation = exchange.inbound.operation
    return await HANDLERS[operation.method, operation.path](Conversing(exchange, kept, owner))


class Conversing:
    """One request about conversations."""

    def __init__(self, exchange: Exchange, kept: Kept, owner: Owner) -> None:
        self._exchange = exchange
        self._kept = kept
        self._owner = owner
        self._id = exchange.inbound.params.get("id", "")

    async def create(self) -> bytes:
        members = await self._body()
        kept = self._kept
        made = Conversation(
            "conv_" + secrets.token_hex(24), self._owner, kept.now(), kept.expires, _metadata(members) or {}
        )
        added = self._given(members)
        await kept.conversations.create(made, _kept(added))
        return _shown(made)

    async def get(self) -> bytes:
        return _shown(await self._found())

    async def update(self) -> bytes:
        members = await self._body()
        metadata = _metadata(members)
        if metadata is None:
            raise members.wrong("metadata", "is required", "missing_required_parameter")
        if not await self._kept.conversations.update(self._owner, self._id, metadata, self._kept.now()):
            raise conversation_not_found(self._id)
        return _shown(await self._found())

    async def delete(self) -> bytes:
        """With its items and the responses in it."""
        await self._found()
        await self._kept.conversations.delete(self._owner, self._id)
        return encode({"id": self._id, "object": "conversation.deleted", "deleted": True})

    async def list(self) -> bytes:
        return page(await self._items(), self._exchange.inbound.query)

    async def add(self) -> bytes:
        members = await self._body()
        known = await self._items()
        added = self._given(members, known)
        kept = self._kept
        if sum(map(len, (*known, *added))) > kept.settings.context:
            raise TooLarge(f"A conversation may have {kept.settings.context} bytes, and this one would have more.")
        done = await kept.conversations.add(self._owner, self._id, _kept(added), kept.now(), kept.expires)
        if done is None:
            raise conversation_not_found(self._id)
        return page(added, {"order": "asc", "limit": "100"})

    async def get_item(self) -> bytes:
        wanted = self._exchange.inbound.params.get("item_id", "")
        found = [item for item in await self._items() if items.id_of(item) == wanted]
        if not found:
            raise self._no_item(wanted)
        return bytes(found[-1])

    async def delete_item(self) -> bytes:
        wanted = self._exchange.inbound.params.get("item_id", "")
        found = await self._found()
        if not await self._kept.conversations.remove(self._owner, self._id, wanted, self._kept.now()):
            raise self._no_item(wanted)
        return _shown(found)

    async def _found(self) -> Conversation:
        found = await self._kept.conversations.get(self._owner, self._id, self._kept.now())
        if found is None:
            raise conversation_not_found(self._id)
        return found

    async def _items(self) -> Sequence[Raw]:
        await self._found()
        kept = self._kept
        found = await kept.conversations.items(self._owner, self._id, kept.now(), kept.settings.context)
        if found is None:
            raise TooLarge(f"The conversation has more than {kept.settings.context} bytes.")
        return [Raw(item.body) for item in found]

    async def _body(self) -> Members:
        inbound = self._exchange.inbound
        inbound.body = await inbound.receive()
        return Members(parsed(inbound.body or b"{}"))

    def _given(self, members: Members, known: Sequence[Raw] = ()) -> Sequence[Raw]:
        asked = members.array("items")
        if len(asked) > MOST_ITEMS:
            raise BadCall(f"At most {MOST_ITEMS} items are taken at once.", param="items", code="invalid_value")
        return items.named(references.resolved(asked, known, {}, "items"), self._exchange.reply_id, "items")

    def _no_item(self, name: str) -> NotFound:
        return NotFound(f"Item with id '{name}' not found in conversation '{self._id}'.", code="item_not_found")


def _kept(added: Sequence[Raw]) -> Sequence[ConversationItem]:
    return [ConversationItem(items.id_of(item), bytes(item)) for item in added]


def _metadata(members: Members) -> Mapping[str, str] | None:
    found = members.inner("metadata")
    if found is None:
        return None
    metadata = {name: TEXT.read(value, f"metadata.{name}") for name, value in found.given().items()}
    if len(metadata) > MOST_METADATA or any(len(k) > KEY_LENGTH or len(v) > VALUE_LENGTH for k, v in metadata.items()):
        raise BadCall(
            f"`metadata` takes {MOST_METADATA} pairs; names have up to {KEY_LENGTH} characters, values {VALUE_LENGTH}.",
            param="metadata",
            code="invalid_value",
        )
    return metadata


def _shown(one: Conversation) -> bytes:
    shown = {"id": one.id, "object": "conversation", "created_at": int(one.created), "metadata": dict(one.metadata)}
    return encode(shown)


HANDLERS: Mapping[tuple[str, str], Callable[[Conversing], Awaitable[bytes]]] = {
    ("POST", "/conversations"): Conversing.create,
    ("GET", "/conversations/{id}"): Conversing.get,
    ("POST", "/conversations/{id}"): Conversing.update,
    ("DELETE", "/conversations/{id}"): Conversing.delete,
    ("GET", "/conversations/{id}/items"): Conversing.list,
    ("POST", "/conversations/{id}/items"): Conversing.add,
    ("GET", "/conversations/{id}/items/{item_id}"): Conversing.get_item,
    ("DELETE", "/conversations/{id}/items/{item_id}"): Conversing.delete_item,
}
