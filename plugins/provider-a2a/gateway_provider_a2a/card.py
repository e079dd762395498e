"""Card: what an agent says of itself, in the forms of 1.0 and of 0.3.

Source: A2A 1.0, section 4.4 "Agent discovery objects"; 0.3, "AgentCard".
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from gateway import Unavailable
from gateway.wire.shapes import Shape

Era = Literal["1.0", "0.3"]
JSONRPC = "JSONRPC"


class Interface(Struct):
    """1.0 names a binding and its version; 0.3 a transport."""

    url: str = ""
    binding: str = field(name="protocolBinding", default="")
    version: str = field(name="protocolVersion", default="")
    tenant: str = ""
    transport: str = ""


class Capabilities(Struct):
    streaming: bool = False


class Card(Struct, rename="camel"):
    """url, preferred_transport, protocol_version, additional_interfaces, security: of 0.3; the SDK writes both."""

    name: str = ""
    description: str = ""
    supported_interfaces: list[Interface] = []
    url: str = ""
    preferred_transport: str = JSONRPC
    protocol_version: str = ""
    additional_interfaces: list[Interface] = []
    capabilities: Capabilities = field(default_factory=Capabilities)
    security_schemes: dict[str, dict[str, object]] = {}
    security_requirements: list[dict[str, object]] = []
    security: list[dict[str, object]] = []


CARD = Shape(Card, "an agent card")


class Place(Struct, frozen=True):
    """Where an agent's JSON-RPC is, and how it is written there."""

    url: str
    era: Era
    tenant: str = ""


def place_of(card: Card) -> Place:
    """The newest that is spoken here. Raises Unavailable."""
    found = [one for one in card.supported_interfaces if one.binding.upper() == JSONRPC and one.url]
    for one in found:
        if one.version.startswith("1."):
            return Place(one.url, "1.0", one.tenant)
    for one in found:
        if one.version.startswith("0."):
            return Place(one.url, "0.3", one.tenant)
    if card.url and card.preferred_transport.upper() == JSONRPC:
        return Place(card.url, "0.3")
    for one in card.additional_interfaces:
        if one.transport.upper() == JSONRPC and one.url:
            return Place(one.url, "0.3")
    spoken = {one.binding or one.transport for one in (*card.supported_interfaces, *card.additional_interfaces)}
    raise Unavailable(
        f"The agent's card offers no JSON-RPC of A2A 1.x or 0.x, only: {', '.join(sorted(spoken - {''})) or 'nothing'}."
    )
