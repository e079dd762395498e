"""What is kept of responses is kept for a time, and then gone, by a clock that the test sets."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import openai
import pytest
from clocks import LIBRARY, Clock
from keeping import placed, refused
from recalling import Recalling

DAY = 86_400
PATIENCE = 20.0


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    if LIBRARY is None:
        pytest.skip("libfaketime is not installed")
    return Clock(tmp_path)


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_what_is_continued_stays_and_the_rest_is_gone_after_its_time(tmp_path: Path, clock: Clock) -> None:
    with (
        Recalling() as upstream,
        placed(tmp_path, upstream, workers=1, environ=clock.environ, ttl=30 * DAY, silence=2) as place,
    ):
        sdk = place.sdk()
        first = sdk.responses.create(model="agent_a", input="sorrel", store=True)
        other = sdk.responses.create(model="agent_a", input="chervil", store=True)
        talk = sdk.conversations.create(items=[{"type": "message", "role": "user", "content": "lovage"}])
        clock.set(20 * DAY)
        second = sdk.responses.create(model="agent_a", input="two", previous_response_id=first.id)
        clock.set(31 * DAY)
        refused(openai.NotFoundError, lambda: sdk.responses.retrieve(other.id))
        refused(openai.NotFoundError, lambda: sdk.conversations.retrieve(talk.id))
        third = sdk.responses.create(model="agent_a", input="three", previous_response_id=second.id)
        assert "user:sorrel" in third.output_text
        until(lambda: place.rows("chervil") + place.rows("lovage") + place.rows(talk.id) == 0)
        assert place.rows("sorrel") > 0
        clock.set(62 * DAY)
        error = refused(
            openai.BadRequestError,
            lambda: sdk.responses.create(model="agent_a", input="four", previous_response_id=third.id),
        )
        assert error.code == "previous_response_not_found"
        until(lambda: place.rows("") == 0)
