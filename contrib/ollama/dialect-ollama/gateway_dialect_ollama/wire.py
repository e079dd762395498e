"""What an upstream sends: a line of a stream, or a whole reply. Source: Ollama, `api/types.go`: ChatResponse.

Those of POST /api/generate have `response`, `thinking` and `tool_calls` beside `done` instead of a `message`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from gateway import Extra, UpstreamBroken, Usage
from gateway.wire import jsontext

NOTHING = Raw(b"null")
EMPTY = Raw(b"{}")
_SAYS_NOTHING = (b"null", b"[]", b'""')


class Function(msgspec.Struct, frozen=True):
    name: str = ""
    arguments: Raw = EMPTY


class Called(msgspec.Struct):
    id: str | None = None
    function: Function = Function()


class Said(msgspec.Struct):
    content: str | None = None
    thinking: str | None = None
    tool_calls: list[Called] | None = None
    images: Raw = NOTHING


class Chunk(msgspec.Struct):
    model: str | None = None
    created_at: str | None = None
    message: Said | None = None
    response: str | None = None
    thinking: str | None = None
    tool_calls: list[Called] | None = None
    logprobs: Raw = NOTHING
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: Raw = NOTHING

    @property
    def failed(self) -> bool:
        return says(self.error)

    def said(self) -> Said:
        return self.message or Said(self.response, self.thinking, self.tool_calls)

    def usage(self) -> Usage | None:
        """Tokens that a server has cached are among those of the prompt, or, with older servers, nowhere."""
        if self.prompt_eval_count is None and self.eval_count is None:
            return None
        return Usage(input=self.prompt_eval_count, output=self.eval_count)


_CHUNK = msgspec.json.Decoder(Chunk)
_KNOWN = frozenset(Chunk.__struct_fields__)


def says(value: Raw) -> bool:
    return bytes(value) not in _SAYS_NOTHING


def decode(data: bytes) -> Chunk:
    """Raises UpstreamBroken."""
    try:
        return _CHUNK.decode(data)
    except jsontext.UNREADABLE:
        return _lenient(data)


def unknown(data: bytes) -> Extra:
    """The members that `Chunk` has not: durations, and what newer servers add."""
    return {name: value for name, value in jsontext.members(data).items() if name not in _KNOWN}


def _lenient(data: bytes) -> Chunk:
    try:
        return _CHUNK.decode(jsontext.mended(data))
    except jsontext.UNREADABLE as error:
        raise UpstreamBroken("The upstream sent something that is not a reply of Ollama.") from error
