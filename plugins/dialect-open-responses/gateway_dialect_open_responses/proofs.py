"""Opaque state in items: the proof of reasoning, and state of others that rides in `encrypted_content`.

A proof from an upstream is its whole reasoning item, so that the item goes back as it came, whatever a client of
another dialect made of its texts. A client's own word is the `encrypted_content` alone, beside the item's other
members; `null` says that the upstream knows the item by its id.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Extra, Opaque, carrier
from gateway.wire.jsontext import NULL, UNREADABLE, first, is_null, members, raw

from .members import NAME

FORM = "reasoning"
ITEM = "item"
ENCRYPTED = "encrypted_content"

_TEXT = msgspec.json.Decoder(str)


def of_item(value: Raw, domain: str) -> Opaque:
    """The proof that a finished reasoning item is."""
    return Opaque(NAME, FORM, raw(sendable(value)), domain)


def sendable(value: Raw) -> Extra:
    """An item as an upstream takes it back: what is null was never said."""
    return {name: member for name, member in members(value).items() if not is_null(member) and name != "status"}


def is_whole(proof: Opaque) -> bool:
    """Whether it is an item, not its `encrypted_content` alone."""
    return first(proof.payload) == b"{"


def secret(proof: Opaque) -> Raw | None:
    """What a client reads as `encrypted_content`; None where there is nothing to show."""
    if not carrier.native(proof, NAME) or proof.form not in (FORM, ITEM):
        return raw(carrier.pack(proof))
    found = members(proof.payload).get(ENCRYPTED, NULL) if is_whole(proof) else proof.payload
    return None if is_null(found) else found


def unpacked(value: Raw | None) -> Opaque | None:
    """What rides in a client's `encrypted_content`; None for its own."""
    if value is None or first(value) != b'"':
        return None
    try:
        return carrier.unpack(_TEXT.decode(value))
    except UNREADABLE:
        return None


def hidden(item: Opaque) -> Raw:
    """A hosted tool's item, or a compaction's, for a client: what is encrypted in it says whose it is."""
    found = members(item.payload)
    if not item.domain or first(found.get(ENCRYPTED, NULL)) != b'"':
        return item.payload
    return raw(found | {ENCRYPTED: raw(carrier.pack(item))})
