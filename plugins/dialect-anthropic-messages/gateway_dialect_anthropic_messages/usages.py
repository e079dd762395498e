"""Token counts: `usage` as upstreams write it, and as clients read it.

Source: Anthropic's Usage and MessageDeltaUsage: `input_tokens` excludes cached ones, `output_tokens` includes thinking.
"""

from __future__ import annotations

from msgspec import Raw, Struct

from gateway import Extra, Usage
from gateway.wire import jsontext
from gateway.wire.jsontext import Members

_KNOWN = frozenset(
    (
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cache_creation",
        "output_tokens_details",
    )
)
_ORDINARY = {
    "service_tier": b'"standard"',
    "speed": b'"standard"',
    "inference_geo": b'"not_available"',
    "server_tool_use": b'{"web_search_requests":0,"web_fetch_requests":0}',
}
"""Values that say that there is nothing to say."""


class CacheCreation(Struct, gc=False):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetails(Struct, gc=False):
    thinking_tokens: int | None = None


class WireUsage(Struct, gc=False):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None


class Counter:
    """Usage of one reply: counts are cumulative, the last reported ones win, and what is not reported again stays.

    usage: None until something was reported.
    """

    __slots__ = ("_created", "_long", "usage")

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self._created: int | None = None
        self._long: int | None = None

    def read(self, wire: WireUsage, begun: bool = False) -> Usage:
        """begun: the reply's first report, whose output is a few tokens written so far and no count of it."""
        before = self.usage or Usage()
        details = wire.output_tokens_details
        thought = details.thinking_tokens if details is not None else None
        self._cached(wire)
        self.usage = Usage(
            input=_last(wire.input_tokens, before.input),
            cache_read=_last(wire.cache_read_input_tokens, before.cache_read),
            cache_write_5m=None if self._created is None else self._created - (self._long or 0),
            cache_write_1h=self._long,
            output=before.output if begun else _last(wire.output_tokens, before.output),
            reasoning=_last(thought, before.reasoning),
        )
        return self.usage

    def _cached(self, wire: WireUsage) -> None:
        """A total without its parts counts as written for five minutes, beyond what is known of the hour's."""
        parts = wire.cache_creation
        total = wire.cache_creation_input_tokens
        if parts is not None:
            self._long = _last(parts.ephemeral_1h_input_tokens, self._long)
            said = (parts.ephemeral_5m_input_tokens or 0) + (parts.ephemeral_1h_input_tokens or 0)
            total = max(total or 0, said)
        self._created = _last(total, self._created)
        if self._created is not None and self._long is not None:
            self._long = min(self._long, self._created)


def written(usage: Usage | None, begun: bool = False) -> Members:
    """`usage` for a client. begun: at a reply's start, where nothing has been written yet."""
    known = usage or Usage()
    short, long = known.cache_write_5m, known.cache_write_1h
    out: Members = {
        "input_tokens": known.input or 0,
        "cache_creation_input_tokens": (short or 0) + (long or 0),
        "cache_read_input_tokens": known.cache_read or 0,
        "output_tokens": 0 if begun else known.output or 0,
    }
    if short is not None or long is not None:
        out["cache_creation"] = {"ephemeral_5m_input_tokens": short or 0, "ephemeral_1h_input_tokens": long or 0}
    if known.reasoning is not None and not begun:
        out["output_tokens_details"] = {"thinking_tokens": known.reasoning}
    return out


def others(usage: Raw | None) -> Extra:
    """Members that are no token counts and say something: server tools' requests, tier, iterations."""
    found = jsontext.members(usage) if usage is not None else {}
    return {name: value for name, value in found.items() if name not in _KNOWN and not _nothing(name, value)}


def _nothing(name: str, value: Raw) -> bool:
    return jsontext.is_null(value) or bytes(value).replace(b" ", b"") == _ORDINARY.get(name)


def _last(new: int | None, old: int | None) -> int | None:
    return old if new is None else new
