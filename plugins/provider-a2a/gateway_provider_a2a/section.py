"""The keys of `gateway.provider-a2a[]`."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from gateway import Secret


class A2aAgent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agent that speaks A2A.

    name: of the endpoint and of its one model. url: what its card is found below (`/.well-known/agent-card.json`), or
    the card's own URL. key: sent where the card's security schemes say. headers: sent with every request. rpc: where
    its JSON-RPC is, whatever the card says. timeout: seconds for which it may be silent.
    """

    name: str
    url: str
    key: Secret = Secret("")
    headers: dict[str, Secret] = field(default_factory=dict)
    rpc: str = ""
    timeout: Annotated[float, Meta(gt=0)] = 600.0
