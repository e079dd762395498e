"""Outcome: how a run ended, as its journal has it, and as its client is told where its time is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from gateway import Exchange, Finished, GatewayError, UpstreamTimeout
from gateway.runs import RunState

from .journal import Journal
from .reply import Reply
from .turn import Told


async def recorded(told: AsyncGenerator[Told, None], journal: Journal) -> AsyncGenerator[Told, None]:
    """What is told of a run, and how it ended in its journal."""
    error = ""
    state: RunState = "cancelled"
    try:
        async with aclosing(told):
            async for event in told:
                yield event
        state = "completed"
    except GatewayError as failure:
        state, error = "failed", failure.public
        raise
    except Exception:
        state, error = "failed", "The gateway failed on this run."
        raise
    finally:
        await asyncio.shield(journal.end(state, error))


async def in_time(told: AsyncGenerator[Told, None], exchange: Exchange, reply: Reply) -> AsyncGenerator[Told, None]:
    """Until the time of the run is over, which ends a reply that has begun."""
    try:
        async with aclosing(told):
            async for event in told:
                yield event
    except UpstreamTimeout as error:
        if error.code != "deadline" or not reply.begun:
            raise
        yield exchange.spent
        yield Finished(reason="pause", detail="time_limit")
