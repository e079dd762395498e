"""LibreChat's errors: four shapes of envelopes, JSON within messages, and texts within replies.

`{"error": {"message", "type", "code"}}`, `{"error": "text"}`, `{"message": "text"}`, and
`{"error": "text", "message": "text"}`; a provider's key that is missing is the message `{"type": "no_user_key"}`.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway import UpstreamBroken, UpstreamError, UpstreamRefused
from gateway.wire import jsontext, refusals
from gateway.wire.refusals import Said, said


class LibreChatRefused(UpstreamRefused):
    """words: LibreChat's own, also where they are kept from those whom they do not concern."""

    words = ""


def decode(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamRefused:
    """The body is never kept: its shape is no dialect's."""
    found = _opened(said(jsontext.anything(body)))
    words = found.message or refusals.wordless(status, headers, body)
    error = LibreChatRefused(
        words, status, code=found.code, param=found.param, retry_after=refusals.retry_after(headers)
    )
    error.words = words
    return error


def own_words(error: UpstreamRefused) -> UpstreamRefused:
    """A 401 or 403 as it is told to the user whose own key it is about."""
    words = error.words if isinstance(error, LibreChatRefused) else ""
    told = error.of_user_key()
    told.public = words or told.public
    if error.upstream_status == 403:
        told.code = "access_denied"
    return told


def in_reply(text: str) -> UpstreamError:
    """What a run failed of, in a reply that had begun; whether it was a limit or a fault, LibreChat does not say."""
    found = _opened(Said(message=text.strip()))
    return UpstreamBroken(found.message or "LibreChat's agent failed.", code=found.code or "agent_failed")


def _opened(found: Said) -> Said:
    """A message that is JSON itself: `{"type": "no_user_key"}`, or a provider's error in quotation."""
    inner = jsontext.anything(found.message.encode("utf-8", "replace")) if found.message[:1] == "{" else None
    if not isinstance(inner, dict):
        return found
    within = said(inner)
    kind = inner.get("type")
    code = kind if isinstance(kind, str) and kind else within.code or found.code
    message = within.message or f"LibreChat's agent cannot run: {code or found.message}."
    return Said(message, code, found.param)
