"""Fault: the class of an upstream's failure, which says whether another try is worth making."""

from __future__ import annotations

from typing import Literal

from ..errors import PROXY_FAILED, UpstreamBroken, UpstreamError, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from .overflow import Overflow

Fault = Literal["429", "5xx", "timeout", "connect", "context_overflow", "credentials"]

NO_CREDIT = frozenset(("insufficient_quota", "billing_error", "billing_hard_limit_reached", "insufficient_balance"))
RATE_LIMITS = frozenset(("rate_limit_exceeded", "rate_limit_error"))
SAME_AGAIN = frozenset(("credentials", "context_overflow"))
"""Faults that the same target would only repeat."""
_OF_THE_CALL = (400, 422)


def fault_of(error: UpstreamError, overflow: Overflow) -> Fault | None:
    """None for what every other target would refuse as well."""
    if isinstance(error, UpstreamTimeout):
        return "timeout"
    if isinstance(error, UpstreamUnreachable):
        return "connect"
    if isinstance(error, UpstreamRefused):
        return _of_refusal(error, overflow)
    if overflow.told(error):
        return "context_overflow"
    if error.code in RATE_LIMITS:
        return "429"
    return "connect" if error.code in (UpstreamBroken.code, PROXY_FAILED) else "5xx"


def is_enough(error: UpstreamError) -> bool:
    """Whether one such failure says all of a target. Not 403: vendors also answer it to content that they refuse, so
    that one caller could close a target to all.
    """
    return isinstance(error, UpstreamRefused) and (error.upstream_status in (401, 402) or error.code in NO_CREDIT)


def _of_refusal(error: UpstreamRefused, overflow: Overflow) -> Fault | None:
    status = error.upstream_status
    if status in (401, 402, 403) or error.code in NO_CREDIT:
        return "credentials"
    if status == 413 or (status in _OF_THE_CALL and overflow.told(error)):
        return "context_overflow"
    if status == 408:
        return "timeout"
    if status == 429:
        return "429"
    return "5xx" if status >= 500 else None
