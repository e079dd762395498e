"""Calls: one call of a tool, which always comes to something that the model can be told."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway import Asker, Audio, File, GatewayError, Image, Opaque, Text, ToolCall, ToolOutcome, ToolResult

from .approval import Approval
from .toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class Calls:
    """timeout: seconds for one call."""

    toolbox: Toolbox
    approval: Approval
    timeout: float
    log: logging.Logger

    async def outcome(self, call: ToolCall, asker: Asker, seconds: float) -> ToolOutcome:
        """seconds: that are left of the run."""
        found = self.toolbox.get(call.name)
        if found is None:
            return failed(f"There is no tool {call.name!r}.")
        refusal = self.approval.refusal(call.name)
        if refusal is not None:
            return failed(f"The call was not made: {refusal}")
        arguments = arguments_of(call)
        if arguments is None:
            return failed("The arguments are no JSON object; the call was not made. Write them anew.")
        source, tool = found
        bound = min(self.timeout, seconds)
        try:
            async with asyncio.timeout(bound):
                return await source.call(tool, arguments, asker)
        except TimeoutError:
            return failed(f"The tool did not answer within {bound:g} s.")
        except GatewayError as error:
            return failed(error.public)
        except Exception:
            self.log.exception("The tool %s failed in %s", call.name, asker.call_id)
            return failed("The tool failed.")


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
