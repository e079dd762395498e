"""Fault: the class of an upstream's failure, which says whether another try is worth making."""

from __future__ import annotations

from typing import Literal

from ..errors import UpstreamBroken, UpstreamError, UpstreamRefused, UpstreamTimeout, UpstreamUnreachable
from ..wire.jsontext import loaded

Fault = Literal["429", "5xx", "timeout", "connect", "context_overflow", "credentials"]

TOO_LONG = frozenset(
    (
        "3051",
        "context_length_exceeded",
        "context_window_exceeded",
        "exceed_context_size_error",
        "max_tokens_exceeded",
        "prompt_too_long",
        "request_too_large",
        "string_above_max_length",
        "tokens_limit_reached",
    )
)
"""What vendors call a call that is too long for the model, as the code or the type of their error. 3051 is Mistral's;
exceed_context_size_error llama.cpp's; request_too_large Anthropic's; tokens_limit_reached GitHub Models'.
"""
NO_CREDIT = frozenset(("insufficient_quota", "billing_error", "billing_hard_limit_reached", "insufficient_balance"))
RATE_LIMITS = frozenset(("rate_limit_exceeded", "rate_limit_error"))
SAME_AGAIN = frozenset(("credentials", "context_overflow"))
"""Faults that the same target would only repeat."""
_OF_THE_CALL = (400, 413, 422)
_UNREADABLE = (ValueError, RecursionError)


def fault_of(error: UpstreamError) -> Fault | None:
    """None for what every other target would refuse as well."""
    if isinstance(error, UpstreamTimeout):
        return "timeout"
    if isinstance(error, UpstreamUnreachable):
        return "connect"
    if isinstance(error, UpstreamRefused):
        return _of_refusal(error)
    if error.code in RATE_LIMITS:
        return "429"
    return "connect" if error.code == UpstreamBroken.code else "5xx"


def is_enough(error: UpstreamError) -> bool:
    """Whether one such failure says all of a target. Not 403: vendors also answer it to content that they refuse, so
    that one caller could close a target to all.
    """
    return isinstance(error, UpstreamRefused) and (error.upstream_status in (401, 402) or error.code in NO_CREDIT)


def _of_refusal(error: UpstreamRefused) -> Fault | None:
    status = error.upstream_status
    if status in (401, 402, 403) or error.code in NO_CREDIT:
        return "credentials"
    if status in _OF_THE_CALL:
        return "context_overflow" if status == 413 or not TOO_LONG.isdisjoint(_words(error)) else None
    if status == 408:
        return "timeout"
    if status == 429:
        return "429"
    return "5xx" if status >= 500 else None


def _words(error: UpstreamRefused) -> set[str]:
    """The codes and types that an error says, those of the error within its envelope included."""
    found = {error.code or ""}
    try:
        body = loaded(error.body)
    except _UNREADABLE:
        return found
    for said in (body, body.get("error") if isinstance(body, dict) else None):
        if isinstance(said, dict):
            found |= {str(said[name]) for name in ("code", "type") if isinstance(said.get(name), str | int)}
    return found
