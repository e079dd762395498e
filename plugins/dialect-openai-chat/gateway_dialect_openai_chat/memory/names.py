"""Which conversation a call is in."""

from __future__ import annotations

from gateway import Exchange
from gateway.wire.members import TEXT, Members

CHAT_ID = "x-openwebui-chat-id"


def name_of(exchange: Exchange, members: Members) -> str | None:
    """What the client calls it, with where it says so: `conversation_id` of the body, which is the gateway's alone;
    Open WebUI's header; `user`; else there is one conversation for the key. None where the call is in none: what Open
    WebUI asks unstreamed are tasks of its own, as titles.
    """
    given = members.take("conversation_id", TEXT)
    if given:
        return f"conversation_id {given}"
    if chat := exchange.inbound.headers.get(CHAT_ID, ""):
        return f"chat {chat}" if exchange.envelope.stream else None
    user = members.seen("user")
    if user is not None:
        return f"user {TEXT.read(user, 'user')}"
    return f"key {exchange.principal.key_id}"
