"""Started, BlockStart, BlockDelta, BlockStop, Usage, Finished, Failed: what is answered, piece by piece.

Order: `Started` first; a block's start, deltas and stop in that order, blocks of one choice possibly interleaved;
a `Usage` at any time, cumulative; one `Finished` a choice; or `Failed`, after which nothing follows. An unstreamed
reply is the same events at once.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

from .call import Block, Extra, Opaque
from .errors import UpstreamError
from .usage import Usage

Reason = Literal[
    "stop", "stop_sequence", "length", "context_length", "tool_calls", "content_filter", "refusal", "pause", "cancelled"
]


class Started(msgspec.Struct, omit_defaults=True, tag="started"):
    """id, model: the upstream's own. created: epoch seconds. The pipeline fills what is None before encoders see it.

    dialect, extra: the reply's other members and whose names they are.
    """

    id: str | None = None
    model: str | None = None
    created: int | None = None
    dialect: str = ""
    extra: Extra = {}


class BlockStart(msgspec.Struct, omit_defaults=True, tag="block_start"):
    """index: counts a choice's blocks from 0 and is never reused. block: what is known of it so far."""

    choice: int
    index: int
    block: Block


class Citation(msgspec.Struct, omit_defaults=True):
    """A source of text, as characters `start` to `end` of the block. url: "" for what is not of the web.

    raw: the citation as its dialect (`Started.dialect`) wrote it, where it says more.
    """

    url: str = ""
    title: str = ""
    start: int = 0
    end: int = 0
    raw: Raw | None = None


class BlockDelta(msgspec.Struct, omit_defaults=True, tag="block_delta"):
    """More of a block. text: more text, or more of a tool call's arguments.

    logprobs: a JSON array of `{token, logprob, bytes, top_logprobs}` for it. proof: of the block, at its end.
    """

    choice: int
    index: int
    text: str = ""
    logprobs: Raw | None = None
    citation: Citation | None = None
    proof: Opaque | None = None


class BlockStop(msgspec.Struct, omit_defaults=True, tag="block_stop"):
    choice: int
    index: int


class Finished(msgspec.Struct, omit_defaults=True, tag="finished"):
    """A choice ended. detail: the upstream's own word, or the stop string met. at: epoch seconds, as `created`.

    extra: members of the reply that came with the end, in the names of `Started.dialect`.
    """

    choice: int = 0
    reason: Reason = "stop"
    detail: str | None = None
    at: int | None = None
    extra: Extra = {}


class Failed:
    """The upstream failed in mid-reply."""

    __slots__ = ("error",)

    def __init__(self, error: UpstreamError) -> None:
        self.error = error


class Idle(msgspec.Struct, tag="idle"):
    """Nothing new, and it goes on: where clients bear it, something is written that keeps a silent connection open.

    Encoders never see it; they are asked for what `idle` gives.
    """


Event = Started | BlockStart | BlockDelta | BlockStop | Usage | Finished | Failed
