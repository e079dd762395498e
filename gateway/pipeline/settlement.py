"""How an attempt is settled: what it is taken to have used, and whether anything is to be paid for it.

The README of the plugin that keeps balances has the same as a table. Who got nothing, because of an upstream or of us,
pays nothing; who left pays for what was asked and what had come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ..money.charge import Rule
from ..usage import Usage

if TYPE_CHECKING:
    from ..dialect import Tap
    from .exchange import Attempt

BYTES_PER_TOKEN = 4
"""Of English text in the common vocabularies; good enough where the upstream did not say."""
_NOTHING = Usage()


def rule_of(attempt: Attempt, answered: bool) -> Rule:
    """By its outcome, and its usage as `used` has it. answered: the client had something of this attempt's reply.

    What a process that was killed left behind is `unknown` instead, which the ledger decides when the hold expires.
    """
    if not attempt.sent or attempt.status >= 400 or attempt.delegates:
        return "free"
    if not answered and attempt.outcome not in ("complete", "client_gone"):
        return "free"
    return "estimated" if attempt.usage is not None and attempt.usage.estimated else "reported"


def used(attempt: Attempt) -> Usage:
    """What its upstream reported, and what of it is missing, estimated from the bytes that went and came."""
    usage = attempt.usage
    if attempt.delegates:
        return usage or _NOTHING
    if usage is None:
        return _estimate(attempt)
    if usage.output is None and attempt.outcome != "complete":
        # Some upstreams tell what they read when they begin, and what they wrote when they end.
        return msgspec.structs.replace(usage, output=_estimate(attempt).output, estimated=True)
    return usage


def used_so_far(attempt: Attempt, convert: Tap) -> Usage:
    """The same of a reply that still comes."""
    usage = convert.usage
    if attempt.delegates:
        return usage or _NOTHING
    if usage is not None and usage.output is not None:
        return usage
    wrote = tokens_in(convert.output_bytes)
    if usage is None:
        return Usage(input=tokens_in(attempt.input_bytes), output=wrote, estimated=True)
    return msgspec.structs.replace(usage, output=wrote, estimated=True)


def tokens_in(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)


def _estimate(attempt: Attempt) -> Usage:
    if not attempt.sent or attempt.status >= 400:
        return _NOTHING
    return Usage(input=tokens_in(attempt.input_bytes), output=tokens_in(attempt.output_bytes), estimated=True)
