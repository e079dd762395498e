"""GET /api/version: clients ask which of Ollama's versions a server is like, and do without what it would not have."""

from __future__ import annotations

from msgspec import Struct

from gateway import Answer, Inbound, Principal, RouteSpec, Settings
from gateway.wire import jsontext


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """version: what clients are told of Ollama's version; the API here is that of the default."""

    version: str = "0.13.0"


class Version(Struct):
    version: str


def route(settings: Settings) -> RouteSpec:
    answer = Answer(jsontext.encode(Version(settings.one(Options).version)))

    async def handle(inbound: Inbound, principal: Principal) -> Answer:
        return answer

    return RouteSpec("GET", "/api/version", handle, "public", "The version of Ollama that this is like")
