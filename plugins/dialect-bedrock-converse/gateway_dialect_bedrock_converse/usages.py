"""Token counts. Source: the service model of bedrock-runtime, TokenUsage: cached tokens are beside the input."""

from __future__ import annotations

from msgspec import Struct

from gateway import Usage


class CacheDetail(Struct, rename="camel"):
    ttl: str | None = None
    input_tokens: int | None = None


class WireUsage(Struct, rename="camel"):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None
    cache_details: list[CacheDetail] | None = None


def read(wire: WireUsage) -> Usage:
    """What was written for an hour is told apart in the details alone."""
    written = wire.cache_write_input_tokens
    hour = [detail.input_tokens or 0 for detail in wire.cache_details or () if detail.ttl == "1h"]
    long = min(sum(hour), written or 0) if hour else None
    return Usage(
        input=wire.input_tokens,
        cache_read=wire.cache_read_input_tokens,
        cache_write_5m=written if written is None else written - (long or 0),
        cache_write_1h=long,
        output=wire.output_tokens,
    )
