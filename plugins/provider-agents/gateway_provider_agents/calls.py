"""Calls: one call of a tool, which always comes to something that the model can be told."""

from __future__ import annotations

import asyncio
import json
import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway import Asker, Audio, File, GatewayError, Image, Opaque, Text, ToolCall, ToolOutcome, ToolResult
from gateway.runs import CallState

from .approval import Rules
from .journal import Journal
from .toolbox import Entry, Toolbox

_AGAIN = "It was not made again; look whether it took effect before you repeat it."
_UNKNOWN = f"The outcome of this call is not known: the gateway's process ended while it was being made. {_AGAIN}"
LOST: Mapping[CallState, str] = {
    "made": _UNKNOWN,
    "unknown": _UNKNOWN,
    "answered": f"This call was made and answered, and the answer was lost with the gateway's process. {_AGAIN}",
    "failed": f"This call was made and failed, and why was lost with the gateway's process. {_AGAIN}",
}
"""Of calls that another process made, whose results nobody has."""


@dataclass(frozen=True, slots=True)
class Calls:
    """timeout: seconds for one call."""

    toolbox: Toolbox
    rules: Rules
    journal: Journal
    timeout: float
    log: logging.Logger

    def asks(self, name: str) -> bool:
        """Whether a person is asked about calls of this tool."""
        found = self.toolbox.get(name)
        return found is not None and self.rules.is_asked(found[1])

    async def outcome(self, call: ToolCall, asker: Asker, seconds: float, approved: bool = False) -> ToolOutcome:
        """seconds: that are left of the run. approved: a person has approved of it."""
        found = self.toolbox.get(call.name)
        if found is None:
            return failed(f"There is no tool {call.name!r}.")
        arguments = arguments_of(call)
        refusal = self.rules.refusal(found[1], approved)
        if refusal is not None and not (arguments is None and self.rules.is_asked(found[1])):
            return failed(f"The call was not made: {refusal}")
        if arguments is None:
            return failed("The arguments are no JSON object; the call was not made. Write them anew.")
        try:
            most = math.inf if found[0].patient else self.timeout
            return await self._made(found, arguments, asker, min(most, max(seconds, 0.0)))
        except GatewayError as error:
            return failed(error.public)
        except Exception:
            self.log.exception("The tool %s failed in %s", call.name, asker.call_id)
            return failed("The tool failed.")

    async def _made(self, found: Entry, arguments: Mapping[str, Any], asker: Asker, seconds: float) -> ToolOutcome:
        """Written down before and after, where it may change something."""
        source, tool = found
        if not tool.read_only:
            if (before := self.journal.before(asker.call_id)) is not None:
                return failed(LOST[before])
            await self.journal.calling(asker.call_id, tool.name)
        state: CallState = "unknown"
        try:
            async with asyncio.timeout(seconds if seconds < math.inf else None):
                outcome = await source.call(tool, arguments, asker)
            state = "failed" if outcome.is_error else "answered"
            return outcome
        except TimeoutError:
            return failed(f"The tool did not answer within {seconds:g} s.")
        except GatewayError:
            state = "failed"
            raise
        finally:
            if not tool.read_only and not _is_leaving():
                await self.journal.called(asker.call_id, state)


def _is_leaving() -> bool:
    """Whether the run is given up: then its end says all of it."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def failed(words: str) -> ToolOutcome:
    return ToolOutcome((Text(words),), is_error=True)


def arguments_of(call: ToolCall) -> Mapping[str, Any] | None:
    """None where they are no object; nothing at all is an empty one."""
    if not call.arguments.strip():
        return {}
    try:
        found = msgspec.json.decode(call.arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        found = _leniently(call.arguments)
    return found if isinstance(found, dict) else None


def result_of(call: ToolCall, outcome: ToolOutcome) -> ToolResult:
    """What is only given as JSON is told as its text."""
    blocks: list[Text | Image | File | Audio | Opaque] = list(outcome.blocks)
    if not blocks and outcome.structured is not None:
        blocks = [Text(bytes(outcome.structured).decode("utf-8", "replace"))]
    return ToolResult(call.id, blocks, outcome.is_error)


def _leniently(text: str) -> object:
    """Half a surrogate pair is JSON to the standard library alone."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
