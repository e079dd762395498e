"""How long a call of a tool may take."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

from gateway_provider_agents.approval import Approval, Rules
from gateway_provider_agents.calls import Calls
from gateway_provider_agents.journal import Journal
from gateway_provider_agents.run_settings import ToolApproval
from gateway_provider_agents.toolbox import Toolbox

from gateway import Asker, Offer, Principal, ServerTool, Text, ToolCall, ToolOutcome, ToolSource

TOOL = ServerTool("slow", read_only=True)


class Slow(ToolSource):
    """Answers in the next turn of the loop, when a timeout of nothing is over."""

    name = "slow"

    def owns(self, wanted: str) -> bool:
        return True

    async def offer(self, wanted: Sequence[str], asker: Asker) -> Offer:
        return Offer([TOOL])

    async def call(self, tool: ServerTool, arguments: Mapping[str, Any], asker: Asker) -> ToolOutcome:
        for _ in range(3):
            await asyncio.sleep(0)
        return ToolOutcome((Text("Here."),))

    async def listed(self, asker: Asker) -> Sequence[ServerTool]:
        return [TOOL]


class Patient(Slow):
    patient = True


async def said(source: ToolSource, seconds: float) -> str:
    toolbox = Toolbox([(source, Offer([TOOL]))])
    calls = Calls(toolbox, Rules(Approval(ToolApproval())), cast(Journal, None), 0.0, logging.getLogger("test"))
    outcome = await calls.outcome(ToolCall("c", "slow", "{}"), Asker(Principal("user")), seconds)
    return "".join(block.text for block in outcome.blocks if isinstance(block, Text))


async def test_a_patient_source_has_the_time_of_the_run_and_others_that_of_a_call() -> None:
    assert await said(Slow(), math.inf) == "The tool did not answer within 0 s."
    assert await said(Patient(), math.inf) == "Here."
    assert await said(Patient(), 0.0) == "The tool did not answer within 0 s."
