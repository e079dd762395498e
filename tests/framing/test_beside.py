"""What nginx and HAProxy make of the same bytes: nothing that either refuses is served by the gateway."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from framed import Case, beside, codings, keeping, lengths, lines, names, pieces, targets
from framed.wire import Echo, Talk

CASES = [case for table in (lengths, codings, pieces, lines, names, targets, keeping) for case in table.CASES]
TABS = "RFC 9110, 5.5: spaces and tabs around a value are no part of it. There is no other number or word to be read."
READ_ONCE = "Which one counts changes nothing: the gateway answers no conditions, and goes on once at most."
SIZE = "A limit, not a meaning: HAProxy's are 101 headers and 255 bytes of a name, the gateway's 128 and 32 kB."
DIFFERENCES = {
    "a length with tabs around it": TABS,
    "a tab before the coding": TABS,
    "two expectations": READ_ONCE,
    "two conditions": READ_ONCE,
    "a hundred and ten headers": SIZE,
    "a name of a kB": SIZE,
    "an absolute target elsewhere": "RFC 9112, 3.2.2: the target counts. The gateway is one site and asks neither.",
}
"""Served here and refused by one of the two, with the reason why nothing comes of it."""


async def served_text(port: int, case: Case) -> str | None:
    """The text that its upstream got, None where it refused."""
    async with await Talk.to(port) as talk:
        talk.send(case.sent)
        status, _, body = await talk.reply()
    return json.loads(body)["text"] if status == 200 else None


async def shown(name: str, folder: Path, cases: Sequence[Case]) -> dict[str, str | None]:
    """All at once: some wait for their time to run out."""
    async with Echo() as upstream, beside.running(name, folder, upstream.port) as port:
        texts = await asyncio.gather(*(served_text(port, case) for case in cases))
    return {case.name: text for case, text in zip(cases, texts, strict=True)}


@pytest.mark.parametrize("name", beside.FORMS)
async def test_nothing_that_another_server_refuses_is_served(name: str, tmp_path: Path) -> None:
    if beside.found(name) is None:
        pytest.skip(f"{name} is not installed (contrib/e2e-setup.sh)")
    theirs = await shown(name, tmp_path, CASES)
    served_here = {case.name: case.reached[0] for case in CASES if case.reached}
    refused_there = {case for case, text in theirs.items() if text is None}
    assert len(refused_there) > 60, "it refuses less than is known of it: is it what it was?"
    assert refused_there & served_here.keys() <= DIFFERENCES.keys()
    both = served_here.keys() - refused_there
    assert {case: theirs[case] for case in both} == {case: served_here[case] for case in both}


def test_the_named_differences_are_served() -> None:
    assert DIFFERENCES.keys() <= {case.name for case in CASES if case.reached}
