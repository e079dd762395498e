"""What operators are shown of servers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from gateway import Asker, Block, ServerTool, Text, ToolOutcome

if TYPE_CHECKING:
    from .server import Server


class McpServerShown(Struct, frozen=True):
    """transport: `stdio`, `http` or `sse`. place: the program or the host. version: of the protocol, once connected.

    personal: each user has an own connection. tools: how many; None where they cannot be listed. trouble: why not.
    """

    name: str
    title: str
    transport: str
    place: str
    version: str = ""
    personal: bool = False
    connections: int = 0
    tools: int | None = None
    trouble: str = ""


class McpToolShown(Struct, frozen=True):
    """name: as agents list it and models see it. original: the server's name of it."""

    name: str
    server: str
    original: str
    description: str = ""
    read_only: bool = False
    parameters: dict[str, Any] = {}

    @classmethod
    def of(cls, tool: ServerTool, server: str) -> McpToolShown:
        return cls(
            tool.name, server, tool.original, tool.description, tool.read_only, msgspec.json.decode(tool.parameters)
        )


async def servers_shown(servers: Sequence[Server], asker: Asker) -> list[McpServerShown]:
    """Each is asked for its tools, all at once."""
    return list(await asyncio.gather(*(_shown(server, asker) for server in servers)))


async def _shown(server: Server, asker: Asker) -> McpServerShown:
    from .failures import McpError

    tools, trouble = None, ""
    try:
        tools = len((await server.listing(asker)).by_name)
    except McpError as error:
        trouble = str(error)
    target = server.target
    return McpServerShown(
        name=server.name,
        title=server.label,
        transport=target.kind if target is not None else "",
        place=target.shown if target is not None else "",
        version=server.version,
        personal=server.is_personal,
        connections=server.connections,
        tools=tools,
        trouble=trouble,
    )


class McpCallShown(Struct, frozen=True):
    """content: as the model would be told, a text or a word for each part. structured: the same as JSON, or null."""

    content: list[str]
    is_error: bool = False
    structured: Any = None

    @classmethod
    def of(cls, outcome: ToolOutcome) -> McpCallShown:
        structured = None if outcome.structured is None else msgspec.json.decode(outcome.structured)
        return cls([_part(block) for block in outcome.blocks], outcome.is_error, structured)


def _part(block: Block) -> str:
    return block.text if isinstance(block, Text) else f"[{type(block).__name__.lower()}]"
