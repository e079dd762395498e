"""A client's body: one message, and whom it is for. `conversationId` is ours; LettaBot has no word for it.

So is `earlier`: what was said before, as messages of `user` and `assistant`, from clients that remember by themselves,
and from the gateway where the agent does.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from gateway import BadCall, Call, Envelope, Inbound, Message, State, Text
from gateway.wire.jsontext import UNREADABLE, loaded

from .names import EVENTS, NAME


class Earlier(msgspec.Struct):
    role: Literal["user", "assistant"]
    content: str


class Body(msgspec.Struct):
    message: str | None = None
    agent: str | None = None
    conversation: str | None = msgspec.field(default=None, name="conversationId")
    earlier: list[Earlier] = []


_BODY = msgspec.json.Decoder(Body)


def peek(inbound: Inbound) -> Envelope:
    """Without an agent the first one answers. Raises BadCall, in LettaBot's order and words."""
    if "application/json" not in inbound.headers.get("content-type", "").lower():
        raise BadCall("Content-Type must be application/json")
    body = read(inbound.body)
    return Envelope(body.agent or None, stream=EVENTS in inbound.headers.get("accept", ""))


def decode(inbound: Inbound) -> Call:
    """Raises BadCall."""
    body = read(inbound.body)
    return Call(
        model=body.agent or "",
        messages=[
            *(Message(one.role, [Text(one.content)]) for one in body.earlier),
            Message("user", [Text(body.message or "")]),
        ],
        state=State(conversation=body.conversation or None),
        stream=EVENTS in inbound.headers.get("accept", ""),
        dialect=NAME,
    )


def read(data: bytes) -> Body:
    """Raises BadCall."""
    try:
        body = _BODY.decode(data)
    except msgspec.ValidationError as error:
        raise _misfit(data) from error
    except UNREADABLE as error:
        raise _no_json() from error
    if not body.message:
        raise _missing()
    return body


def agent_in(data: bytes) -> str | None:
    """Whom a body is for, where it can be read."""
    try:
        return _BODY.decode(data).agent
    except UNREADABLE:
        return None


def _misfit(data: bytes) -> BadCall:
    """LettaBot takes a message that is no text for none at all; of the other members it says nothing."""
    try:
        found = loaded(data)
    except UNREADABLE:
        return _no_json()
    for name in ("agent", "conversationId"):
        if isinstance(found, dict) and not isinstance(found.get(name), str | None):
            return BadCall(f"`{name}` must be a string", param=name, code="invalid_type")
    if isinstance(found, dict) and isinstance(found.get("message"), str):
        what = "`earlier` must be an array of messages, each with `role` (user or assistant) and `content`, a text"
        return BadCall(what, param="earlier", code="invalid_type")
    return _missing()


def _no_json() -> BadCall:
    return BadCall("Invalid JSON body", code="invalid_json")


def _missing() -> BadCall:
    return BadCall("Missing required field: message", param="message", code="missing_required_parameter")
