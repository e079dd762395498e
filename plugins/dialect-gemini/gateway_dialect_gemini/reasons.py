"""How a candidate ended: `finishReason`, both ways. Source: Gemini API, `FinishReason`; Vertex AI may say its number.

Tool calls end with STOP. What is the model's or the upstream's fault is told as a failure, never as an end.
"""

from __future__ import annotations

from gateway import Finished, Reason, UpstreamBroken

_UNSPECIFIED = "UNSPECIFIED"
_NUMBERED = ("", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
"""The numbers that Google's two APIs agree on; all later ones are filters and faults, in another order with each."""
_READ: dict[str, Reason] = {
    "": "stop",
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "pause",
}
FILTERS = frozenset(
    (
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "IMAGE_OTHER",
        "NO_IMAGE",
        "ESCALATION",
        "MODEL_ARMOR",
        "PUP_LIMITED_DISABLED",
        "OTHER",
    )
)
_FAULTS = {
    "MALFORMED_FUNCTION_CALL": "The model wrote a function call that cannot be read.",
    "UNEXPECTED_TOOL_CALL": "The model called a tool that it was not given.",
    "TOO_MANY_TOOL_CALLS": "The model called too many tools one after another.",
    "MISSING_THOUGHT_SIGNATURE": "The upstream misses the signature of a thought in the conversation.",
    "MALFORMED_RESPONSE": "The model wrote a reply that cannot be read.",
}
_WRITTEN: dict[Reason, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "context_length": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "pause": "CONTINUATION",
    "cancelled": "OTHER",
}


def word(told: object) -> str | None:
    """None where the candidate has not ended. Words that nobody knows stay as they are."""
    if isinstance(told, int) and 0 <= told < len(_NUMBERED):
        told = _NUMBERED[told]
    return named(told)


def named(told: object) -> str | None:
    """A word or number of any of Google's enumerations; None where it says nothing."""
    text = str(told) if isinstance(told, str | int) and told is not False else ""
    return None if text in ("", "0") or text.endswith(_UNSPECIFIED) else text


def fault(told: str, message: str) -> UpstreamBroken | None:
    """The failure that an end stands for. message: the upstream's own words on it."""
    words = _FAULTS.get(told)
    if words is None:
        return None
    return UpstreamBroken(f"{words} ({told}{': ' + message if message else ''})", code=told.lower())


def read(told: str, called: bool) -> tuple[Reason, str | None]:
    """The reason, and the upstream's own word where that says more. called: whether there were tool calls.

    What nobody knows is taken for a filter's: an end of Google's that is none of the known good ones is not a good one.
    """
    if told in _READ:
        reason = _READ[told]
        return ("tool_calls" if called and reason == "stop" else reason), None
    return "content_filter", told


def written(finished: Finished, own: bool) -> str:
    """own: the reply is of this dialect, so its own word stands."""
    detail = finished.detail or ""
    if own and detail and finished.reason == "content_filter":
        return detail
    if (own or finished.reason in ("content_filter", "refusal")) and detail in FILTERS | _READ.keys() - {""}:
        return detail
    return _WRITTEN[finished.reason]
