"""Which conversation of its agent a call belongs to.

A caller names one by what its API has for that (`conversation` of Responses, `conversationId` of LettaBot), by the
header `X-Letta-Chat-Key`, or, in streams, by Open WebUI's `X-OpenWebUI-Chat-Id`, as Letta's App Server takes them: Open
WebUI asks for titles of the same chat unstreamed. Keys are made of the caller too, so that nobody comes into another's.
"""

from __future__ import annotations

import hashlib

from msgspec import Struct

from gateway import Call, Exchange

from .section import Keeping

CHAT_KEY = "x-letta-chat-key"
OPEN_WEBUI = "x-openwebui-chat-id"


class Talk(Struct, frozen=True):
    """key: of a conversation that goes on, "" for a new one. shared: the one that the agent has with everybody."""

    key: str = ""
    shared: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether the agent knows already what was said before."""
        return self.shared or bool(self.key)


def talk_of(call: Call, exchange: Exchange, endpoint: str, keeping: Keeping) -> Talk:
    user = exchange.principal.user_id
    if name := named(call, exchange):
        return Talk(_key(endpoint, user, name))
    if keeping == "user":
        return Talk(_key(endpoint, user, ""))
    return Talk(shared=keeping == "agent")


def named(call: Call, exchange: Exchange) -> str:
    """By the caller; "" where it is not."""
    headers = exchange.inbound.headers
    name = call.state.conversation or headers.get(CHAT_KEY)
    if not name and exchange.envelope.stream:
        name = headers.get(OPEN_WEBUI)
    return name or ""


def _key(endpoint: str, user: str, name: str) -> str:
    return hashlib.sha256("\0".join((endpoint, user, name)).encode("utf-8", "replace")).hexdigest()
