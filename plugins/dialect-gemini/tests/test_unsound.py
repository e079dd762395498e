"""Bytes of upstreams that are no UTF-8, in members that nobody here looks into."""

from __future__ import annotations

import json

import pytest
from gateway_dialect_gemini.client import GeminiClient

from gateway import Finished
from gateway.testing import replay

BODY = b'{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP","xNew":["\xff"]}],"xOld":"\x80"}'


@pytest.mark.parametrize("stream", [False, True])
def test_they_do_not_reach_the_client(stream: bool) -> None:
    decoder = GeminiClient().decoder(replay.target("m"), stream)
    events = list(replay.decoded(decoder, [b"data: %b\r\n\r\n" % BODY if stream else BODY]))
    assert isinstance(events[-1], Finished)
    said = [json.loads(bytes(value)) for event in events for value in getattr(event, "extra", {}).values()]
    assert "\ufffd" in said
    assert ["\ufffd"] in said
