"""Upstreams' replies as they reach a client through the gateway: whole and as they were, or an error that says so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from framed import BODY as REQUEST
from framed import FIRST, HOST, KEY, post, reply_ends, reply_heads
from framed.replies import BODY, CHUNKED, LENGTH, Said, reply
from framed.wire import Server, Talk, Writer

from gateway.testing.toy import ToyServer

ALL = reply_ends.CASES + reply_heads.CASES
CASES = [case for case in ALL if case.body in (None, BODY) and case.status == 200 and case.ending != "reset"]
SHOWN = FIRST.replace(b"POST /v1/toy", b"GET /v1/toys") + HOST + KEY + b"\r\n"


class Only(Server):
    """Answers each request with the same bytes."""

    def __init__(self, said: bytes, *, close: bool) -> None:
        super().__init__()
        self._said = said
        self._close = close

    async def _answer(self, head: bytes, body: bytes, writer: Writer) -> None:
        writer.write(self._said)
        if self._close:
            raise ConnectionError


class Parts(Only):
    """Says one part, and the rest a little later; then it closes."""

    def __init__(self, parts: list[bytes]) -> None:
        super().__init__(parts[0], close=True)
        self._rest = parts[1]

    async def _answer(self, head: bytes, body: bytes, writer: Writer) -> None:
        writer.write(self._said)
        await asyncio.sleep(0.05)
        writer.write(self._rest)
        raise ConnectionError


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_a_reply_is_passed_on_as_it_was_or_is_an_error(start: Any, at: Any, case: Said) -> None:
    """And the client's next request gets its own answer."""
    async with Only(case.sent, close=case.ending == "close") as far:
        gateway = await start(at(far.url))
        async with await Talk.to(int(gateway.url.rpartition(":")[2])) as talk:
            talk.send(post() + SHOWN)
            status, _, body = await talk.reply()
            assert (status, body) == (200, BODY) if case.body else status == 502
            assert (await talk.reply())[::2] == (200, b'["far/m"]')
    assert gateway.records[0].outcome == ("complete" if case.body else "broken")


EVENT = b'data: {"text":"He"}\n\n'
LAST = b'data: {"end":"stop"}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
STREAM = b"Content-Type: text/event-stream\r\n"
BROKEN = {
    "no last chunk": (CHUNKED, CHUNK),
    "half a last chunk": (CHUNKED, CHUNK + b"0\r\n"),
    "a size that is no number": (CHUNKED, CHUNK + b"zz\r\n" + LAST + b"\r\n0\r\n\r\n"),
    "a negative size": (CHUNKED, CHUNK + b"-1\r\n" + LAST + b"\r\n0\r\n\r\n"),
    "more in a chunk than its size": (CHUNKED, CHUNK + b"1\r\n" + LAST + b"\r\n0\r\n\r\n"),
    "a body shorter than its length": (b"Content-Length: 900\r\n", EVENT),
    "the connection's end before the stream's": (b"", EVENT),
}


@pytest.mark.parametrize(("headers", "body"), BROKEN.values(), ids=BROKEN)
async def test_a_stream_that_breaks_off_is_never_ended_cleanly(
    start: Any, at: Any, headers: bytes, body: bytes
) -> None:
    asked = REQUEST.replace(b"false", b"true")
    async with Parts([reply(STREAM + headers, body[: len(CHUNK)]), body[len(CHUNK) :]]) as far:
        gateway = await start(at(far.url))
        async with await Talk.to(int(gateway.url.rpartition(":")[2])) as talk:
            talk.send(post(b"Content-Length: %d\r\n" % len(asked), asked))
            got = await talk.rest()
    assert EVENT in got
    assert b'"error"' in got
    assert LAST not in got
    assert not got.endswith(b"0\r\n\r\n")
    assert gateway.records[0].outcome == "broken"


SPLITS = {
    "a return": b"a\rX-Split: b",
    "a line feed": b"a\nX-Split: b",
    "both": b"a\r\nX-Split: b",
    "two lines and a body": b"a\r\n\r\nHTTP/1.1 200 OK\r\nX-Split: b",
    "a null": b"a\0X-Split: b",
    "a line end in other bytes": "a\u560a\u560dX-Split: b".encode(),
    "a fold": b"a\r\n X-Split: b",
}


@pytest.mark.parametrize("value", SPLITS.values(), ids=SPLITS)
async def test_a_header_that_is_passed_on_stays_one(
    start: Any, at: Any, value: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ToyServer, "reply_headers", frozenset({"x-odd"}))
    async with Only(reply(LENGTH + b"X-Odd: " + value + b"\r\n"), close=False) as far:
        gateway = await start(at(far.url))
        async with await Talk.to(int(gateway.url.rpartition(":")[2])) as talk:
            talk.send(post() + SHOWN)
            _, headers, _ = await talk.reply()
            assert "x-split" not in headers
            assert (await talk.reply())[::2] == (200, b'["far/m"]')
