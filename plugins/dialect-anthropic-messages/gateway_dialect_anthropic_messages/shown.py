"""What both framings of a reply share: names, ids, citations, and the words for how a reply ended."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Citation, Finished, Opaque, Reason, Started, carrier
from gateway.wire import jsontext
from gateway.wire.jsontext import Members
from gateway.wire.losses import Loss

from . import state
from .names import NAME

_PREFIX = "msg_"
_WORDS: dict[Reason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context_length": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "cancelled": "max_tokens",
}
"""An end that this dialect has no word for reads as cut short, so that nobody takes the reply for whole."""
OF_DELTA = frozenset(("stop_details", "container"))
"""Members of a message that a stream tells within `delta` of its end; others stand beside it."""
MADE_UP = Opaque(NAME, "citation", jsontext.NULL)
"""Stands in for what this vendor wants back with a citation. As a carrier it keeps a citation of another vendor's from
passing through to this one, which would refuse it.
"""


class WebCitation(msgspec.Struct, tag="web_search_result_location"):
    cited_text: str
    encrypted_index: str
    title: str
    url: str


def identity(started: Started) -> str:
    """An id of this dialect's look, after the upstream's."""
    given = started.id or ""
    return given if given.startswith(_PREFIX) else _PREFIX + (given.partition("_")[2] or given)


def message(started: Started, model: str, usage: Members, loss: Loss) -> Members:
    """A message without its content and its end."""
    known: Members = {
        "id": identity(started),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    return {**known, **loss.keep(started.extra, "")}


def ending(finished: Finished, own: bool, refused: bool, called: bool) -> Members:
    """`stop_reason` and `stop_sequence`. refused: the reply holds a refusal's words, whatever ended it. called: it
    holds a call for the client, which SDKs look for under this reason alone; others end with `stop` where the tool was
    chosen for the model.
    """
    word = _WORDS[finished.reason]
    if called and finished.reason == "stop":
        word = "tool_use"
    elif refused and finished.reason == "stop":
        word = "refusal"
    elif own and finished.detail and finished.reason in ("stop", "pause"):
        word = finished.detail
    met = finished.detail if finished.reason == "stop_sequence" else None
    return {"stop_reason": word, "stop_sequence": met}


def citation(found: Citation, text: str, loss: Loss) -> Raw | None:
    """As its vendor wrote it, where that was this one; another's only where it is of the web."""
    if found.raw is not None and loss.own:
        return found.raw
    if not found.url:
        loss.add("Text.citations")
        return None
    cited = text[found.start : found.end]
    return jsontext.raw(WebCitation(cited, carrier.pack(MADE_UP), found.title, found.url))


def carried(proof: Opaque) -> Members:
    """A block that holds state of another dialect, or another block's proof."""
    return {"type": "redacted_thinking", "data": state.shown_data(proof)}


def opaque(block: Opaque) -> Members | Raw:
    shown = state.shown_block(block) if block.dialect == NAME and block.form == state.BLOCK else None
    return carried(block) if shown is None else shown


def untold(block: object, loss: Loss) -> None:
    """A block that replies of this dialect have not."""
    loss.add(type(block).__name__)
