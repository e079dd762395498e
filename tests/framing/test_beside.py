"""What nginx and HAProxy make of the same bytes: nothing that either refuses is accepted by the gateway."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from framed import HOST, Case, beside, codings, keeping, lengths, lines, names, pieces, reply_ends, reply_heads, targets
from framed.replies import Said
from framed.wire import Echo, Says, Talk

REQUESTS = [case for table in (lengths, codings, pieces, lines, names, targets, keeping) for case in table.CASES]
REPLIES = reply_ends.CASES + reply_heads.CASES
TABS = "RFC 9110, 5.5: spaces and tabs around a value are no part of it. There is no other number or word to be read."
READ_ONCE = "Which one counts changes nothing: the gateway answers no conditions, and goes on once at most."
SIZE = "A limit, not a meaning: HAProxy's are 101 headers and 255 bytes of a name, the gateway's 128 and 32 kB."
FOLD = "RFC 9112, 5.2: a fold is read as a space. Nothing is passed on as it came."
INTERIM = "RFC 9110, 15.2: replies may come before the final one. nginx 1.22 takes the first for it."
SERVED = {
    "a length with tabs around it": TABS,
    "a tab before the coding": TABS,
    "two expectations": READ_ONCE,
    "two conditions": READ_ONCE,
    "a bare return before the request": "Nothing can hide in it; nginx skips it, too.",
    "a hundred and ten headers": SIZE,
    "a name of a kB": SIZE,
    "an absolute target elsewhere": "RFC 9112, 3.2.2: the target counts. The gateway is one site and asks neither.",
}
"""Requests that are served here and refused by one of the two, with the reason why nothing comes of it."""
READ = {
    "a length with a tab before it": TABS,
    "a length with a tab behind it": TABS,
    "a bare return before the reply": "Nothing can hide in it; HAProxy takes no line for empty that is not whole.",
    "a folded value": FOLD,
    "a folded value without its line feed": FOLD,
    "100 before the reply": INTERIM,
    "103 before the reply": INTERIM,
    "several before the reply": INTERIM,
    "an empty line before the reply": "Nothing can hide in an empty line. nginx takes all for a body in HTTP/0.9.",
}
"""The same for replies of upstreams."""

each = pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.skipif(beside.found(name) is None, reason=f"{name} is not installed"))
        for name in beside.FORMS
    ],
)


async def text_of(port: int, case: Case) -> str | None:
    """What its upstream was asked, None where it refused."""
    async with await Talk.to(port) as talk:
        talk.send(case.sent)
        status, _, body = await talk.reply()
    return json.loads(body)["text"] if status == 200 else None


async def body_of(port: int, place: int, case: Said) -> bytes | None:
    """What its client got, None where that was no clean reply of the upstream's."""
    async with await Talk.to(port) as talk:
        talk.send(b"GET /%d HTTP/1.1\r\n%bConnection: close\r\n\r\n" % (place, HOST))
        status, _, body = await talk.reply()
    return body if status == case.status else None


@each
async def test_no_request_that_another_server_refuses_is_served(name: str, tmp_path: Path) -> None:
    """All at once: some wait for their time to run out."""
    async with Echo() as upstream, beside.running(name, tmp_path, upstream.port) as port:
        texts = await asyncio.gather(*(text_of(port, case) for case in REQUESTS))
    served = {case.name: text for case, text in zip(REQUESTS, texts, strict=True) if case.reached}
    assert texts.count(None) > 60, "it refuses less than is known of it: is it what it was?"
    assert {case for case, text in served.items() if text is None} <= SERVED.keys()
    assert {case.name for case in REQUESTS if case.reached and served[case.name] not in (None, *case.reached)} == set()


@each
async def test_no_reply_that_another_server_refuses_is_a_success(name: str, tmp_path: Path) -> None:
    async with Says(REPLIES) as upstream, beside.running(name, tmp_path, upstream.port) as port:
        bodies = await asyncio.gather(*(body_of(port, place, case) for place, case in enumerate(REPLIES)))
    read = {case.name: body for case, body in zip(REPLIES, bodies, strict=True) if case.body is not None}
    assert bodies.count(None) > 30, "it refuses less than is known of it: is it what it was?"
    assert {case for case, body in read.items() if body is None} <= READ.keys()
    assert {case.name for case in REPLIES if read.get(case.name) not in (None, case.body)} == set()


def test_the_named_differences_are_cases_that_are_accepted() -> None:
    assert SERVED.keys() <= {case.name for case in REQUESTS if case.reached}
    assert READ.keys() <= {case.name for case in REPLIES if case.body is not None}
