"""Opaque state in this dialect: signatures, redacted thinking, and blocks of server tools.

The payload of a signature holds the thoughts too: the vendor wants both back unchanged, and another dialect on the way
may join the thoughts of several blocks. Blocks of server tools are shown to clients as they are, with the upstream's
domain marked on their ids, since a carrier in their place would hide what they say.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Extra, Opaque, carrier
from gateway.wire import jsontext

from .names import NAME

THINKING = "thinking"
REDACTED = "redacted"
BLOCK = "block"
OF_TEXT = "text"
OF_CALL = "call"
BLOCKS = frozenset((BLOCK, "item", "part"))
"""Forms that stand for blocks of their own in some dialect, and not for the proof of another block."""
_IDS = ("id", "tool_use_id")


class Signed(msgspec.Struct):
    """Thoughts with what proves them."""

    thinking: str
    signature: str


_SIGNED = msgspec.json.Decoder(Signed)
_TEXT = msgspec.json.Decoder(str)


def signed(text: str, signature: str, domain: str = "") -> Opaque:
    return Opaque(NAME, THINKING, jsontext.raw(Signed(text, signature)), domain)


def redacted(data: Raw, domain: str = "") -> Opaque:
    return Opaque(NAME, REDACTED, data, domain)


def is_redacted(proof: Opaque | None) -> bool:
    """Whether it is of this vendor's redacted thoughts, which are another sort of block."""
    return proof is not None and proof.dialect == NAME and proof.form == REDACTED


def read_signed(proof: Opaque) -> Signed | None:
    """What `signed` made; None where someone else wrote the payload."""
    try:
        return _SIGNED.decode(proof.payload)
    except jsontext.UNREADABLE:
        return None


def shown_signature(proof: Opaque) -> str:
    """For the `signature` of a thinking block."""
    found = read_signed(proof) if proof.form == THINKING and carrier.native(proof, NAME) else None
    return carrier.pack(proof) if found is None else found.signature


def shown_data(proof: Opaque) -> str:
    """For the `data` of a redacted_thinking block."""
    if proof.form == REDACTED and carrier.native(proof, NAME):
        try:
            return _TEXT.decode(proof.payload)
        except jsontext.UNREADABLE:
            return ""
    return carrier.pack(proof)


def shown_block(block: Opaque) -> Raw | None:
    """A block of ours for a client; None where it has no id to mark and must be carried."""
    if carrier.native(block, NAME):
        return block.payload
    members = jsontext.members(block.payload)
    tagged = {name: jsontext.raw(carrier.tag_id(found, block.domain)) for name, found in _ids(members)}
    return jsontext.raw(members | tagged) if tagged else None


def sent_block(block: Opaque, domain: str) -> Raw | None:
    """A block of ours for an upstream, under the ids that it gave; None where it is another's."""
    if block.form != BLOCK or not carrier.trusted(block, NAME, domain):
        return None
    members = jsontext.members(block.payload)
    ids = _ids(members)
    if any(carrier.tagged_for(found, domain) is False for _, found in ids):
        return None
    untagged = {name: jsontext.raw(carrier.untag_id(found)) for name, found in ids if carrier.untag_id(found) != found}
    return jsontext.raw(members | untagged) if untagged else block.payload


def _ids(members: Extra) -> list[tuple[str, str]]:
    found = []
    for name in _IDS:
        value = members.get(name)
        if value is not None and jsontext.first(value) == b'"':
            try:
                found.append((name, _TEXT.decode(value)))
            except jsontext.UNREADABLE:
                continue
    return found
