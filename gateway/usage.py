"""Usage: disjoint token counts of an attempt, and their arithmetic."""

from __future__ import annotations

import msgspec

LARGEST = 2**53 - 1
"""What every reader of JSON holds."""


class Usage(msgspec.Struct, frozen=True, omit_defaults=True, tag="usage", gc=False):
    """Token counts; `None` means not reported. It is also an event: the counts so far, last reported wins.

    input: tokens read at full price, without any cached. cache_read, cache_write_5m, cache_write_1h: cached ones.
    output: tokens written, reasoning included. reasoning, audio_input, audio_output: parts of the above, named
    beside them and never added. estimated: counted by us, because the upstream did not say.
    """

    input: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    reasoning: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    estimated: bool = False

    def __post_init__(self) -> None:
        """No upstream's word makes a balance grow: what can be no count is not reported."""
        prompt = (self.input or 0) | (self.cache_read or 0) | (self.cache_write_5m or 0) | (self.cache_write_1h or 0)
        rest = (self.output or 0) | (self.reasoning or 0) | (self.audio_input or 0) | (self.audio_output or 0)
        if 0 <= prompt | rest <= LARGEST:  # a bit that any count has is there: none is negative, none too large
            return
        for name in _COUNTS:
            count = getattr(self, name)
            if count is not None and not 0 <= count <= LARGEST:
                msgspec.structs.force_setattr(self, name, None)

    @property
    def prompt(self) -> int:
        """All tokens read, cached ones included."""
        return (self.input or 0) + (self.cache_read or 0) + (self.cache_write_5m or 0) + (self.cache_write_1h or 0)

    @property
    def total(self) -> int:
        return self.prompt + (self.output or 0)

    def __add__(self, other: Usage) -> Usage:
        """The sum of two attempts; a count that neither reported stays `None`."""
        return Usage(
            input=_sum(self.input, other.input),
            cache_read=_sum(self.cache_read, other.cache_read),
            cache_write_5m=_sum(self.cache_write_5m, other.cache_write_5m),
            cache_write_1h=_sum(self.cache_write_1h, other.cache_write_1h),
            output=_sum(self.output, other.output),
            reasoning=_sum(self.reasoning, other.reasoning),
            audio_input=_sum(self.audio_input, other.audio_input),
            audio_output=_sum(self.audio_output, other.audio_output),
            estimated=self.estimated or other.estimated,
        )


_COUNTS = tuple(name for name in Usage.__struct_fields__ if name != "estimated")


def _sum(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else a + b
