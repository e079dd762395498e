"""PostgreSQL stopped in the midst of responses that are to be kept, and started again: clients get their replies, runs
go on, and what waited is kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest
from keeping import Place, placed, refused
from recalling import Recalling
from websockets.sync.client import connect

from gateway.testing.postgres import PostgresServer

PATIENCE = 30.0
"""Seconds for what happens soon."""
SILENCE = 2.0


@pytest.fixture(scope="module")
def place(postgres: PostgresServer, recalling: Recalling, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("away"), recalling, postgres, silence=SILENCE) as found:
        yield found


@pytest.fixture(autouse=True)
def away(postgres: PostgresServer, recalling: Recalling) -> Iterator[PostgresServer]:
    """It runs before the test, and again behind it."""
    recalling.hold()
    yield postgres
    recalling.go_on()
    if not postgres.runs:
        postgres.start()


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def known(place: Place) -> None:
    """To both workers, so that they know the key while the store is away."""
    for _ in range(8):
        with place.sdk() as sdk:
            sdk.responses.create(model="agent_a", input="one")


def test_replies_reach_their_clients_and_are_kept_once_the_store_is_back(
    place: Place, recalling: Recalling, away: PostgresServer
) -> None:
    known(place)
    sdk = place.sdk()
    kept = sdk.responses.create(model="agent_a", input="one", store=True)
    until(lambda: place.rows(kept.id) > 0)
    events: list[Any] = []
    for event in sdk.responses.create(model="agent_a", input="please wait", store=True, stream=True):
        events.append(event)
        if event.type == "response.output_text.delta" and away.runs:
            away.stop()
            recalling.go_on()
    final = events[-1].response
    assert (events[-1].type, final.store, final.output_text) == (
        "response.completed",
        True,
        "system:Be kind. | user:please wait",
    )
    whole = sdk.responses.create(model="agent_a", input="two", store=True)
    assert (whole.status, whole.store) == ("completed", True)
    refused(
        openai.InternalServerError,
        lambda: sdk.responses.create(model="agent_a", input="x", previous_response_id=kept.id),
    )
    refused(openai.InternalServerError, lambda: sdk.responses.create(model="agent_a", input="x", background=True))
    until(lambda: "wait to be kept" in place.running.printed)
    away.start()
    for name in (kept.id, final.id, whole.id):
        until(lambda name=name: place.rows(name) > 0)  # type: ignore[misc]
        until(lambda name=name: came_back(place, name))  # type: ignore[misc]


def came_back(place: Place, name: str) -> bool:
    with place.sdk() as sdk:
        try:
            return bool(sdk.responses.create(model="agent_a", input="x", previous_response_id=name).id)
        except openai.InternalServerError:
            return False


def test_a_turn_on_a_socket_that_continues_what_is_kept_ends_as_it_should(place: Place, away: PostgresServer) -> None:
    known(place)
    url = place.running.url.replace("http://", "ws://") + "/v1/responses"
    with connect(url, additional_headers={"Authorization": f"Bearer {place.running.key}"}) as opened:

        def turn(**body: Any) -> Any:
            opened.send(json.dumps({"type": "response.create", "model": "agent_a", **body}))
            while True:
                event = json.loads(opened.recv(PATIENCE))
                if event["type"] in ("response.completed", "response.failed", "error"):
                    return event

        name = turn(input="one", store=True)["response"]["id"]
        away.stop()
        second = turn(input="two", previous_response_id=name, store=False)
        assert second["type"] == "response.completed"
        third = turn(input="three", previous_response_id=second["response"]["id"])
        assert third["response"]["output"][-1]["content"][0]["text"].endswith("user:three")


@pytest.mark.parametrize("ends", ["while-away", "afterwards"])
def test_a_run_in_the_background_goes_on_and_is_told_once_the_store_is_back(
    place: Place, recalling: Recalling, away: PostgresServer, ends: str
) -> None:
    known(place)
    with place.sdk() as sdk:
        begun = sdk.responses.create(model="agent_a", input="please wait", background=True)
        until(lambda: sdk.responses.retrieve(begun.id).status == "in_progress")
    away.stop()
    if ends == "while-away":
        recalling.go_on()
    time.sleep(SILENCE + 1)  # so that it would be taken for lost
    away.start()

    def status() -> str:
        with place.sdk() as sdk:
            try:
                return str(sdk.responses.retrieve(begun.id).status)
            except openai.InternalServerError:
                return "away"

    until(lambda: status() != "away")
    recalling.go_on()
    until(lambda: status() not in ("away", "queued", "in_progress"))
    with place.sdk() as sdk:
        done = sdk.responses.retrieve(begun.id)
        assert (done.status, done.output_text) == ("completed", "system:Be kind. | user:please wait")
        events = list(sdk.responses.retrieve(begun.id, stream=True))
        assert [one.sequence_number for one in events] == list(range(len(events)))
        assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == done.output_text
