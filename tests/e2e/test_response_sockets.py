"""Open Responses over a WebSocket: turns one after the other, what the connection remembers, and what it forgets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from keeping import Place, placed, refused
from recalling import Recalling
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

PATIENCE = 15.0


@pytest.fixture(scope="module")
def recalling() -> Iterator[Recalling]:
    with Recalling() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def place(recalling: Recalling, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("sockets"), recalling) as found:
        yield found


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def socket(place: Place, path: str = "/v1/responses", key: str = "") -> Iterator[ClientConnection]:
    url = place.running.url.replace("http://", "ws://") + path
    headers = {"Authorization": f"Bearer {key or place.running.key}"}
    with connect(url, additional_headers=headers, open_timeout=PATIENCE) as opened:
        yield opened


def turn(opened: ClientConnection, **body: Any) -> list[Any]:
    """The events of one turn."""
    opened.send(json.dumps({"type": "response.create", "model": "agent_a", **body}))
    events: list[Any] = []
    while not events or events[-1]["type"] not in ("response.completed", "response.failed", "error"):
        events.append(json.loads(opened.recv(PATIENCE)))
    return events


def text(events: list[Any]) -> str:
    return str(events[-1]["response"]["output"][-1]["content"][0]["text"])


@pytest.mark.parametrize("path", ["/v1/responses", "/api/agents/v1/responses", "/responses"])
def test_turns_are_continued_on_one_connection_though_nothing_is_kept(place: Place, path: str) -> None:
    with socket(place, path) as opened:
        first = turn(opened, input="one", store=False)
        assert [event["sequence_number"] for event in first] == list(range(len(first)))
        assert (first[0]["type"], first[-1]["type"]) == ("response.created", "response.completed")
        assert first[-1]["response"]["store"] is False
        name = first[-1]["response"]["id"]
        second = turn(opened, input="two", previous_response_id=name, store=False)
        assert text(second) == "system:Be kind. | user:one | assistant:system:Be kind. | user:one | user:two"
        third = turn(opened, input="three", previous_response_id=second[-1]["response"]["id"])
        assert text(third).endswith("| user:three")
        assert place.rows(name) == 0
    refused(openai.NotFoundError, lambda: place.sdk().responses.retrieve(name))


def test_after_a_reconnect_only_what_was_kept_is_continued(place: Place) -> None:
    with socket(place) as opened:
        forgotten = turn(opened, input="one", store=False)[-1]["response"]["id"]
        kept = turn(opened, input="two", previous_response_id=forgotten, store=True)[-1]["response"]
        assert kept["store"] is True
    with socket(place) as opened:
        [error] = turn(opened, input="x", previous_response_id=forgotten)
        assert (error["type"], error["status"], error["error"]["code"]) == ("error", 400, "previous_response_not_found")
        again = turn(opened, input="three", previous_response_id=kept["id"])
        assert "user:one" in text(again)
        assert text(again).endswith("| user:three")
        assert turn(opened, input="four")[-1]["type"] == "response.completed"


def test_a_continuation_that_fails_takes_what_it_continued_along(place: Place) -> None:
    stray = {"type": "function_call_output", "call_id": "call_nobodys", "output": "x"}
    with socket(place) as opened:
        for store in (False, True):
            name = turn(opened, input="one", store=store)[-1]["response"]["id"]
            [error] = turn(opened, input=[stray], previous_response_id=name)
            assert error["status"] == 400
            [error] = turn(opened, input="two", previous_response_id=name)
            assert error["error"]["code"] == "previous_response_not_found"
            name = turn(opened, input="one", store=store)[-1]["response"]["id"]
            assert turn(opened, input="fail", previous_response_id=name)[-1]["type"] == "error"
            [error] = turn(opened, input="two", previous_response_id=name)
            assert error["error"]["code"] == "previous_response_not_found"
        assert turn(opened, input="one")[-1]["type"] == "response.completed"


@pytest.mark.parametrize(
    "message",
    [
        "no JSON",
        json.dumps({"type": "response.steer"}),
        json.dumps({"model": "agent_a", "input": "x"}),
        json.dumps({"type": "response.create", "model": "agent_a", "input": "x", "stream": True}),
        json.dumps({"type": "response.create", "model": "agent_a", "input": "x", "background": False}),
        json.dumps({"type": "response.create", "model": "nobody", "input": "x"}),
        json.dumps({"type": "response.create", "model": "agent_a"}),
    ],
    ids=["no-json", "other-type", "no-type", "stream", "background", "unknown-model", "no-input"],
)
def test_what_is_wrong_is_told_in_an_envelope_and_the_connection_goes_on(place: Place, message: str) -> None:
    with socket(place) as opened:
        opened.send(message)
        told = json.loads(opened.recv(PATIENCE))
        assert (told["type"], told["status"] >= 400, bool(told["error"]["message"])) == ("error", True, True)
        assert turn(opened, input="one")[-1]["type"] == "response.completed"


def test_a_passing_stream_comes_as_its_events(place: Place) -> None:
    with socket(place) as opened:
        first = turn(opened, model="native/m", input="one")
        assert first[0]["response"]["id"] == first[-1]["response"]["id"]
        second = turn(opened, model="native/m", input="two", previous_response_id=first[-1]["response"]["id"])
        assert text(second).startswith("user:one | reasoning:SECRET | assistant:user:one")


def test_nobody_is_let_in_without_a_key_or_on_anothers_memory(place: Place) -> None:
    with pytest.raises(InvalidStatus) as caught, socket(place, key="sk-nobodys"):
        pass
    assert caught.value.response.status_code == 401
    with socket(place) as opened:
        name = turn(opened, input="one", store=True)[-1]["response"]["id"]
    with socket(place, key=place.key("dora")) as other:
        [error] = turn(other, input="x", previous_response_id=name)
        assert error["error"]["code"] == "previous_response_not_found"


def test_a_get_that_is_no_handshake_is_told_what_to_do(place: Place, calling: Callable[..., Any]) -> None:
    came = calling(place.running.url).get("/v1/responses")
    assert came.status == 405
    assert came.headers["allow"] == "POST"
    half = {"upgrade": "websocket", "connection": "Upgrade", "sec_websocket_key": "x", "sec_websocket_version": "13"}
    came = calling(place.running.url).get("/v1/responses", **half)
    assert came.status == 400


def test_a_client_that_leaves_ends_its_turn(place: Place, recalling: Recalling) -> None:
    recalling.hold()
    before = recalling.left
    with socket(place) as opened:
        opened.send(json.dumps({"type": "response.create", "model": "agent_a", "input": "please wait"}))
        while json.loads(opened.recv(PATIENCE))["type"] != "response.output_text.delta":
            pass
    until(lambda: recalling.left > before)


def test_the_official_sdk_speaks_it(place: Place) -> None:
    with place.sdk().responses.connect() as connection:
        connection.response.create(model="agent_a", input="one")
        events = []
        for event in connection:
            events.append(event.type)
            if event.type == "response.completed":
                break
    assert events[0] == "response.created"


def test_idle_connections_are_told_when_the_gateway_stops(
    recalling: Recalling, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with placed(tmp_path_factory.mktemp("leaving"), recalling, drain=20) as found, socket(found) as opened:
        turn(opened, input="one")
        began = time.monotonic()
        assert found.running.stop() == 0
        assert time.monotonic() - began < 15
        with pytest.raises(ConnectionClosed) as caught:
            opened.recv(PATIENCE)
        assert caught.value.rcvd is not None
        assert caught.value.rcvd.code == 1001
