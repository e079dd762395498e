"""A server of the official `mcp` package: `python mcp_program.py stdio`, `… streamable-http PORT` or `… sse PORT`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import anyio
from mcp.server import CacheHint, MCPServer
from mcp.server.mcpserver import Audio, Context, Image
from mcp_types import EmbeddedResource, ResourceLink, TextResourceContents, ToolAnnotations
from pydantic import Field

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001e221bc33"
    "0000000049454e44ae426082"
)
server = MCPServer(
    "Demo",
    instructions="Add before you subtract.",
    cache_hints={"tools/list": CacheHint(ttl_ms=60_000, scope="public")} if "--public" in sys.argv else None,
)
cancelled = 0


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool(name="dotted.name")
def dotted() -> str:
    """Its name has a dot."""
    return "dotted"


@server.tool(name="n" * 100)
def long_name() -> str:
    return "long"


@server.tool()
def boom() -> str:
    raise ValueError("a secret of the server")


@server.tool()
def picture() -> Image:
    return Image(data=PNG, format="png")


@server.tool()
def sound() -> Audio:
    return Audio(data=b"RIFF0000WAVE", format="wav")


@server.tool(structured_output=False)
def resources() -> list[EmbeddedResource | ResourceLink]:
    text = TextResourceContents(uri="file:///notes.txt", mime_type="text/plain", text="Remember.")
    link = ResourceLink(type="resource_link", uri="https://example.org/a", name="a", description="More of it.")
    return [EmbeddedResource(type="resource", resource=text), link]


@server.tool()
def environment() -> dict[str, str]:
    return dict(os.environ)


@server.tool()
def pid() -> int:
    return os.getpid()


@server.tool()
def die() -> str:
    os._exit(3)


@server.tool()
async def sleep(seconds: float) -> str:
    """Counts where it is cancelled."""
    global cancelled
    try:
        await anyio.sleep(seconds)
    except BaseException:
        cancelled += 1
        raise
    return "slept"


@server.tool()
def cancellations() -> int:
    return cancelled


@server.tool()
async def progress(context: Context, steps: int) -> str:
    """Tells how far it is, so that the reply is a stream of events."""
    for step in range(steps):
        await context.report_progress(step, steps)
    return "done"


@server.tool()
def routed(region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})], context: Context) -> str:
    """What came as the header beside the argument."""
    request = context.request_context.request
    return f"{region} {request.headers.get('mcp-param-region')}" if request is not None else region


@server.tool()
def headers(context: Context) -> dict[str, str]:
    request = context.request_context.request
    return dict(request.headers) if request is not None else {}


if __name__ == "__main__":
    transport = sys.argv[1]
    print("ready", file=sys.stderr, flush=True)
    if transport == "stdio":
        server.run("stdio")
    else:
        server.run(transport, host="127.0.0.1", port=int(sys.argv[2]))
