"""Compacting: a conversation made shorter by whoever would have answered it, for upstreams that do not offer that.

The call becomes one of `POST /responses` that asks for a summary, and goes the way of every other: permitted, held for
and billed. Its reply becomes OpenAI's: the user's messages as they were, and one `compaction` item that holds the
summary, sealed. Source: OpenAI, `POST /responses/compact`; the Open Responses specification, 2026-04-24.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Raw

from gateway import BadCall, Exchange, Extra, Finish, Keeping, Owner, Sink, UpstreamBroken
from gateway.wire.jsontext import NULL, encode, is_null, raw
from gateway.wire.members import Members

from ..echo import response_id
from ..usage import InputDetails, OutputDetails, WireUsage
from . import items
from .sealing import KIND, Seals, is_ours
from .transcript import transcript

PROMPT = """\
Below is a conversation between a user and an assistant, which is to go on without it: whoever goes on has the user's \
own messages and what you write now, and nothing else. Write down all that is needed to go on as if nothing were \
missing: what is wanted and why; every instruction of the system or developer, word for word; what was decided, found \
and done, with names, numbers, identifiers, paths and code that will be needed again; what tools were called for and \
what they said; what is still to be done, and what was said last. Invent nothing, answer nothing of it, call nothing. \
Write the notes alone, in the language of the conversation."""
SENT = ("model", "instructions", "prompt_cache_key", "service_tier")
"""Members of such a call that its summary is asked for with."""


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Item(msgspec.Struct):
    type: str = ""
    content: list[_Part] | None = None


class _Reply(msgspec.Struct):
    status: str = ""
    output: list[_Item] = []
    usage: Raw = NULL
    created_at: int = 0


_REPLY = msgspec.json.Decoder(_Reply)


def question(members: Members, said: Sequence[Raw], runs: bool) -> bytes:
    """The body of the call that asks for a summary. runs: who answers has tools of its own."""
    given = members.given()
    body: Extra = {name: given[name] for name in SENT if name in given}
    text = f"{PROMPT}\n\n<conversation>\n{transcript(said)}\n</conversation>"
    body["input"] = raw([{"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}])
    body["store"] = raw(False)
    if runs:
        body["tool_choice"] = raw("none")
    return encode(body)


def staying(said: Sequence[Raw]) -> list[Raw]:
    """The user's messages, and compactions that only another can read."""
    return [
        item for item in said if items.role_of(item) == "user" or (items.kind_of(item) == KIND and not is_ours(item))
    ]


class Compacting(Keeping):
    """stays: items that are told again, before the summary."""

    def __init__(self, exchange: Exchange, owner: Owner, seals: Seals, stays: Sequence[Raw]) -> None:
        self._exchange = exchange
        self._owner = owner
        self._seals = seals
        self._stays = stays

    def sink(self, sink: Sink) -> Sink:
        return _CompactSink(sink, self)

    async def detach(self, sink: Sink, finish: Finish) -> None:
        raise BadCall("A conversation is not compacted in the background.", param="background")

    def told(self, body: bytes) -> bytes:
        """Raises UpstreamBroken where there is no whole summary."""
        reply = _REPLY.decode(body)
        summary = "".join(part.text for item in reply.output for part in item.content or () if part.type == _TEXT)
        if reply.status != "completed" or not summary.strip():
            raise UpstreamBroken("The model did not come to the end of its summary; the conversation is as it was.")
        seed = self._exchange.reply_id
        sealed = self._seals.sealed(summary, self._owner)
        compaction = {"type": KIND, "id": f"{items.PREFIXES[KIND]}_{seed}", "encrypted_content": sealed}
        return encode(
            {
                "id": response_id(seed),
                "object": "response.compaction",
                "created_at": reply.created_at or int(self._exchange.began),
                "output": [*self._stays, raw(compaction)],
                "usage": UNKNOWN if is_null(reply.usage) else reply.usage,
            }
        )


_TEXT = "output_text"
UNKNOWN = WireUsage(0, InputDetails(0, 0), 0, OutputDetails(0), 0)
"""OpenAI's clients want counts."""


class _CompactSink(Sink):
    def __init__(self, sink: Sink, compacting: Compacting) -> None:
        self._sink = sink
        self._compacting = compacting

    @property
    def began(self) -> bool:  # type: ignore[override]
        return self._sink.began

    async def whole(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self._sink.whole(status, headers, self._compacting.told(body) if status == 200 else body)

    async def begin(self, status: int, headers: Mapping[str, str]) -> None:
        raise UpstreamBroken("The upstream streams what was not asked for as a stream.")

    def put(self, data: bytes) -> bool:
        return True

    async def end(self) -> None:
        return

    def abort(self) -> None:
        self._sink.abort()
