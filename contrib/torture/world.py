"""The world that agents change: an MCP server of the official package. `python world.py PORT DIRECTORY`.

`note` adds a line to the file `notes`, which is durable before it answers. Where the file `in_call` has the number of a
process, that one is killed when the line is there and before the answer.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from mcp.server import MCPServer
from mcp_types import ToolAnnotations

server = MCPServer("World")
directory = Path(sys.argv[2])


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@server.tool()
def note(text: str) -> str:
    """Write something down."""
    with (directory / "notes").open("a") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    victim = directory / "in_call"
    if victim.exists():
        pid = int(victim.read_text())
        victim.unlink()
        os.kill(pid, signal.SIGKILL)
    return "Noted."


if __name__ == "__main__":
    server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[1]))
