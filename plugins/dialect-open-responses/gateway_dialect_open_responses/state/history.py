"""What a call continues, from the store: earlier responses, or a conversation."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw

from gateway import BadCall, Conversation, KeptResponse, NotFound, Owner, TooLarge
from gateway.wire.jsontext import members

from . import items
from .kept import Kept


class History(msgspec.Struct, frozen=True):
    """responses: that are continued, oldest first. conversation: that the call is in; place: how many items it
    has given out. earlier: of that conversation, or of the one that the oldest response is in.
    """

    responses: Sequence[KeptResponse] = ()
    conversation: Conversation | None = None
    place: int = 0
    earlier: Sequence[Raw] = ()

    @property
    def latest(self) -> KeptResponse | None:
        return self.responses[-1] if self.responses else None

    @property
    def items(self) -> list[Raw]:
        """All of them, in order, as they are kept."""
        return [*self.earlier, *(item for one in self.responses for item in of_response(one))]

    def again(self, domains: set[str]) -> list[Raw]:
        """All of them, for one of these makers of opaque state. Those of conversations say whose they are."""
        out = items.again(self.earlier, None)
        for one in self.responses:
            out += items.again(of_response(one), None if domains == {one.domain} else one.domain)
        return out


NOTHING = History()


def of_response(one: KeptResponse) -> list[Raw]:
    """What it adds: its own input and its output."""
    return [*items.listed(one.input), *output_of(one.reply)]


def output_of(reply: bytes) -> list[Raw]:
    found = members(reply).get("output")
    return items.listed(bytes(found)) if found is not None else []


def previous_not_found(response_id: str, param: str = "previous_response_id") -> BadCall:
    return BadCall(
        f"Previous response with id '{response_id}' not found. "
        f"What `{param}` names was not kept (`store: false`, or the operator's choice), "
        "could not be kept (its reply says `store: false` then), "
        "has expired, or was deleted, or one that it continues was.",
        param=param,
        code="previous_response_not_found",
    )


def conversation_not_found(conversation_id: str) -> NotFound:
    return NotFound(f"Conversation with id '{conversation_id}' not found.", code="conversation_not_found")


async def of_chain(kept: Kept, owner: Owner, response_id: str) -> History:
    """A response and what it continues. Raises BadCall, TooLarge."""
    chain = await kept.behind.chain(owner, response_id, kept.now(), kept.settings.context)
    if chain is None:
        raise _too_long(kept)
    if not chain:
        raise previous_not_found(response_id)
    oldest = chain[0]
    earlier: Sequence[Raw] = ()
    if oldest.conversation_id:
        earlier = await _items(kept, owner, oldest.conversation_id, oldest.place)
    return History(responses=chain, earlier=earlier)


async def of_conversation(kept: Kept, owner: Owner, conversation_id: str) -> History:
    """Raises NotFound, TooLarge."""
    found = await kept.conversations.get(owner, conversation_id, kept.now())
    if found is None:
        raise conversation_not_found(conversation_id)
    all_of_it = await kept.conversations.items(owner, conversation_id, kept.now(), kept.settings.context)
    if all_of_it is None:
        raise _too_long(kept)
    place = all_of_it[-1].place + 1 if all_of_it else 0
    return History(conversation=found, place=place, earlier=[Raw(item.body) for item in all_of_it])


async def _items(kept: Kept, owner: Owner, conversation_id: str, before: int) -> Sequence[Raw]:
    found = await kept.conversations.items(owner, conversation_id, kept.now(), kept.settings.context, before)
    if found is None:
        raise _too_long(kept)
    return [Raw(item.body) for item in found]


def _too_long(kept: Kept) -> TooLarge:
    most = kept.settings.context
    return TooLarge(
        f"What this call continues has grown beyond {most} bytes (gateway.dialect-open-responses.context); "
        "begin anew, with what is still needed in `input`."
    )
