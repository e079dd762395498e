"""Which era a server is of: what it answers to `server/discover` and to `initialize`.

The rule for clients of both (https://modelcontextprotocol.io/specification/2026-07-28, "Versioning"): modern first;
what is no evidence of a modern server is one that wants the handshake.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import Raw, Struct

from gateway.wire.jsontext import UNREADABLE

from .connection import Welcome
from .failures import Down, Fault
from .messages import HANDSHAKES, MODERN, UNSUPPORTED_VERSION, Params, client_info, supported

Ask = Callable[[str, Params], Awaitable[Raw]]
LONGEST_INSTRUCTIONS = 32_768


class _Discovered(Struct, frozen=True, rename="camel"):
    supported_versions: tuple[str, ...]
    capabilities: Mapping[str, Raw] = {}
    instructions: str | None = None


class _Initialized(Struct, frozen=True, rename="camel"):
    protocol_version: str
    capabilities: Mapping[str, Raw] = {}
    instructions: str | None = None


def initialize_params() -> Params:
    return {"protocolVersion": HANDSHAKES[0], "capabilities": {}, "clientInfo": client_info()}


def discovered(result: Raw) -> Welcome | None:
    """None for one of before 2026 that answers all the same."""
    try:
        said = msgspec.json.decode(result, type=_Discovered)
    except UNREADABLE:
        return None
    if MODERN not in said.supported_versions:
        return None
    return _welcome(MODERN, said.instructions, said.capabilities)


def initialized(result: Raw) -> Welcome:
    """Raises Down where there is no common version."""
    try:
        said = msgspec.json.decode(result, type=_Initialized)
    except UNREADABLE as error:
        raise Down("the server's answer to `initialize` cannot be read") from error
    if said.protocol_version not in HANDSHAKES:
        raise Down(f"the server speaks version {said.protocol_version[:40]} of the protocol, which is not spoken here")
    return _welcome(said.protocol_version, said.instructions, said.capabilities)


def check_common(fault: Fault) -> None:
    """Raises Down where a server refuses 2026-07-28 and names only versions that nobody here speaks."""
    named = supported(fault) if fault.code == UNSUPPORTED_VERSION else None
    if named is not None and not set(named) & set(HANDSHAKES):
        raise Down(f"the server speaks only versions {', '.join(named)[:200]} of the protocol")


def _welcome(version: str, instructions: str | None, capabilities: Mapping[str, Raw]) -> Welcome:
    return Welcome(version, (instructions or "")[:LONGEST_INSTRUCTIONS], "tools" in capabilities)
