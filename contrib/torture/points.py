"""Points: the moments between two steps of an agent's run, at each of which the gateway can be killed.

Each stands directly before something that outlasts the process: a write of the store, a request to the model, a call of
a tool. What is between two of them changes nothing. They count from when the file ARMED is there, which has the number
of the one to be killed at; the names of those that were passed are in PASSED.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gateway_store_sql.responses import SqlResponses
from gateway_store_sql.runs import SqlRuns
from gateway_tools_mcp.source import McpTools

from gateway.pipeline.attempt import Sender

ARMED, PASSED, IN_CALL = Path("armed"), Path("passed"), Path("in_call")
Method = Callable[..., Awaitable[Any]]
_passed: list[str] = []


def put_up() -> None:
    """All of them, in the classes that do these things."""
    _before(SqlResponses, "put", lambda *_, **__: True)
    _before(SqlResponses, "write", lambda *given, **_: len(given) > 5 and given[5] is not None)
    _before(SqlResponses, "finish", lambda *_, **__: True)
    _before(SqlResponses, "take_up", lambda *_, **__: True)
    _before(SqlRuns, "calling", lambda *_, **__: True)
    _before(SqlRuns, "called", lambda *_, **__: True)
    _before(SqlRuns, "ended", lambda *_, **__: True)
    _before(SqlRuns, "take_up", lambda *_, **__: True)
    _before(SqlRuns, "keep", lambda *_, **__: True)
    _before(Sender, "send", lambda *_, **__: True)
    _before(McpTools, "call", lambda *_, **__: True)


def _before(owner: type, name: str, concerns: Callable[..., bool]) -> None:
    method: Method = getattr(owner, name)

    async def passing(*given: Any, **more: Any) -> Any:
        if concerns(*given, **more):
            passed(f"{owner.__name__}.{name}")
        return await method(*given, **more)

    setattr(owner, name, passing)


def passed(name: str) -> None:
    """Or not."""
    with suppress(FileNotFoundError, ValueError):
        wanted = int(ARMED.read_text())
        _passed.append(name)
        with PASSED.open("a") as file:
            file.write(f"{len(_passed)} {name}\n")
        if len(_passed) == wanted:
            os.kill(os.getpid(), signal.SIGKILL)
