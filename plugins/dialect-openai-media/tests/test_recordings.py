"""Recorded traffic passes byte for byte, and its usage is read."""

from __future__ import annotations

import json

import pytest
from gateway_dialect_openai_media.client import MediaClient
from gateway_dialect_openai_media.server import MediaServer
from msgspec import Raw
from msgspec import json as msgjson

from gateway import Edit, Inbound, Usage
from gateway.testing import recordings, replay
from gateway.testing.recordings import Recording

APIS = ("openai.embeddings", "openai.completions", "openai.images", "openai.audio", "rerank", "cohere.embed")
ENDLESS = "openai.completions/writer/589985ef73"
"""A stream of another dialect, `{"value": …}`, that does not say when it ends."""
SERVER, CLIENT = MediaServer(), MediaClient()
PATHS = [operation.path for operation in SERVER.operations]


RECORDINGS = recordings.load(*APIS)


def asked(recorded: Recording) -> Inbound:
    """A request to us for what was recorded."""
    path = next(path for path in PATHS if recorded.path.endswith(path))
    body = json.dumps({"model": "m", **(recorded.request or {})}).encode()
    return replay.inbound(SERVER, body, "/v1" + path)


@recordings.each(RECORDINGS)
def test_a_request_keeps_its_members(recorded: Recording) -> None:
    request = asked(recorded)
    encoded = CLIENT.edit(request, Edit("served", usage=False), replay.target("served"))
    before, after = (msgjson.decode(body, type=dict[str, Raw]) for body in (request.body, encoded.body))
    assert list(after) == list(before)
    assert {name for name in before if bytes(before[name]) != bytes(after[name])} <= {"model"}
    assert encoded.loss == ()


@recordings.each(RECORDINGS)
@pytest.mark.parametrize("size", [0, 1, 13])
def test_a_reply_passes_byte_for_byte(recorded: Recording, size: int) -> None:
    request, said = asked(recorded), recorded.body
    size = max(size, len(said) // 2000) if size else 0
    if recorded.status >= 400:
        error = CLIENT.decode_error(recorded.status, {"content-type": "application/json"}, said)
        assert error.public
        return
    encoded = CLIENT.edit(request, Edit("served", usage=False), replay.target("served"))
    tap = CLIENT.tap(replay.target("served"), recorded.stream, encoded, request)
    passed = b"".join([tap.feed(piece) for piece in replay.pieces(said, size)]) + tap.finish()
    assert passed == said
    assert (tap.complete, tap.failed) == (recorded.name != ENDLESS, None)
    assert tap.usage == told(said)


def told(said: bytes) -> Usage | None:
    """By another way than the tap's."""
    lines = [line[5:] for line in said.splitlines() if line.startswith(b"data: {")]
    for body in reversed([json.loads(body) for body in lines or [said]]):
        usage = body.get("usage") or body.get("meta", {}).get("billed_units", {})
        read = [usage[name] for name in ("prompt_tokens", "input_tokens", "total_tokens") if name in usage]
        counts = (read[0] if read else None, usage.get("completion_tokens"))
        if counts != (None, None):
            return Usage(input=counts[0], output=counts[1])
    return None
