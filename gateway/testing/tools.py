"""Tools for tests of agents: a plugin that a gateway in a process of its own finds on its path.

    place = tools.installed(tmp_path / "site")
    RunningGateway(directory, config, environ={"PYTHONPATH": str(place), "TEST_TOOLS": str(notes)})

`test_add`, `test_echo` and `test_whoami` answer at once; `test_note` adds a line to a file, which `read_only` tools do
not; `test_wait` answers when a file is there; `test_hang` never does; `test_fail`, `test_raise` and `test_die` fail.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Raw

from .. import Asker, Image, Offer, ServerTool, Services, Settings, Text, ToolOutcome, ToolSource, hookimpl

PREFIX = "test_"
GONE = "test_gone"
INSTRUCTIONS = "The server of these tools wants to be used."
READING = ("add", "echo", "whoami", "wait", "hang", "picture")
WRITING = ("note", "fail", "raise", "die")
_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8BQDwAEgAF/pooBPQAAAABJRU5ErkJggg=="


class TestTools(ToolSource):
    """directory: where notes are, and files that are waited for."""

    name = "tools-test"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def owns(self, wanted: str) -> bool:
        return wanted.startswith(PREFIX)

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        known = {tool.name: tool for tool in await self.listed(asker)}
        missing = {name: "it is gone" for name in wanted if name not in known}
        return Offer([known[name] for name in wanted if name in known], missing, INSTRUCTIONS)

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        match tool.original:
            case "add":
                return _text(f"{sum(int(number) for number in arguments.values())}")
            case "echo":
                return _text(str(arguments.get("text", "")))
            case "whoami":
                told = {"user": asker.principal.name, "agent": asker.agent, "call": asker.call_id}
                return ToolOutcome(structured=Raw(msgspec.json.encode(told)))
            case "picture":
                return ToolOutcome((Text("A pixel."), Image(data=_PIXEL, media_type="image/png")))
            case "wait":
                while not (self._directory / str(arguments["file"])).exists():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                return _text("It is there.")
            case "hang":
                await asyncio.Event().wait()
            case "raise":
                raise RuntimeError("a secret of the tool's")
        if tool.original in ("note", "die"):
            self._note(f"{arguments.get('text', '')} {asker.call_id}")
        if tool.original == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        return _text("Noted.") if tool.original == "note" else ToolOutcome((Text("It did not work."),), is_error=True)

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        return [
            ServerTool(PREFIX + name, f"Does {name}.", label="test", original=name, read_only=name in READING)
            for name in READING + WRITING
        ]

    def _note(self, line: str) -> None:
        """Durable before it returns, as what a tool does in the world is."""
        with (self._directory / "notes").open("a") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())


def _text(said: str) -> ToolOutcome:
    return ToolOutcome((Text(said),))


@hookimpl
def register_tools(settings: Settings, services: Services) -> Sequence[ToolSource]:
    return [TestTools(Path(settings.env("TEST_TOOLS") or "."))]


def installed(place: Path) -> Path:
    """A distribution that says so, for `PYTHONPATH`."""
    folder = place / "librechat_gateway_tools_test-1.0.0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: librechat-gateway-tools-test\nVersion: 1.0.0\n")
    (folder / "entry_points.txt").write_text(f"[gateway]\ntools-test = {__name__}\n")
    return place
