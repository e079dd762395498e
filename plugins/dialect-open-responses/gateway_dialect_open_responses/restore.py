"""Puts the client's `instructions` back into a reply that echoes an agent's. Nothing else of it changes."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from gateway import Encoded, sse
from gateway.wire.jsontext import NULL, UNREADABLE, is_null, raw

KEY = b'"instructions"'
# Inside a text these quotes would be escaped.
_MEMBER = rb'("instructions"\s*:\s*)'
_ANY = re.compile(_MEMBER + rb'"(?:[^"\\]|\\.)*"')


class _Body(msgspec.Struct):
    instructions: Raw = NULL


class _Event(msgspec.Struct):
    response: _Body | None = None


_BODY = msgspec.json.Decoder(_Body)
_EVENT = msgspec.json.Decoder(_Event)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])


def clients_own(encoded: Encoded, body: bytes) -> bytes | None:
    """The client's `instructions` as JSON, where the upstream got others; None where there is nothing to hide."""
    if KEY not in encoded.body:
        return None
    sent = bytes(_BODY.decode(encoded.body).instructions)
    own = _own(body)
    return None if sent == own else own


def _own(body: bytes) -> bytes:
    try:
        return bytes(_BODY.decode(body).instructions)
    except UNREADABLE:
        return bytes(NULL)


def restored_event(event: bytes, own: bytes) -> bytes:
    if KEY not in event:
        return event
    payload = sse.data(event)
    try:
        found = _EVENT.decode(payload).response
    except UNREADABLE:
        return _any(event, own)
    if found is None or is_null(found.instructions):
        return event
    return _replaced(event, found.instructions, own) or _written_anew(event, payload, own)


def restored_body(body: bytes, own: bytes) -> bytes:
    if KEY not in body:
        return body
    try:
        found = _BODY.decode(body)
    except UNREADABLE:
        return _any(body, own)
    if is_null(found.instructions):
        return body
    return _replaced(body, found.instructions, own) or _any(body, own)


def _replaced(text: bytes, value: Raw, own: bytes) -> bytes | None:
    changed, count = re.subn(_MEMBER + re.escape(bytes(value)), lambda match: match[1] + own, text)
    return changed if count else None


def _any(text: bytes, own: bytes) -> bytes:
    """Of what cannot be parsed: every text under that name."""
    return _ANY.sub(lambda match: match[1] + own, text)


def _written_anew(event: bytes, payload: bytes, own: bytes) -> bytes:
    """Where the member is spread over several `data:` lines."""
    members = _OBJECT.decode(payload)
    members["response"] = raw(_OBJECT.decode(members["response"]) | {"instructions": Raw(own)})
    return sse.frame(msgspec.json.encode(members), sse.named(event))
