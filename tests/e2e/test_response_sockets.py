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


def say(opened: ClientConnection, **body: Any) -> None:
    opened.send(json.dumps({"type": "response.create", "model": "agent_a", **body}))


def turn(opened: ClientConnection, **body: Any) -> list[Any]:
    """The events of one turn."""
    say(opened, **body)
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
    "wrong",
    [{"model": "nobody"}, {"stream": True}, {"input": 7}],
    ids=["unknown-model", "unsupported", "no-input"],
)
def test_whatever_is_wrong_with_a_continuation_takes_what_it_continued_along(place: Place, wrong: Any) -> None:
    with socket(place) as opened:
        name = turn(opened, input="one", store=True)[-1]["response"]["id"]
        [error] = turn(opened, **{"input": "x", "previous_response_id": name, **wrong})
        assert error["status"] in (400, 404)
        [error] = turn(opened, input="two", previous_response_id=name)
        assert error["error"]["code"] == "previous_response_not_found"


@pytest.mark.parametrize("model", ["agent_a", "keeping/m"])
def test_a_warm_up_asks_nobody_and_is_continued(place: Place, recalling: Recalling, model: str) -> None:
    with socket(place) as opened:
        asked = len(recalling.asked)
        events = turn(opened, model=model, input="one", instructions="x", generate=False, store=False)
        assert [one["type"] for one in events] == ["response.created", "response.in_progress", "response.completed"]
        warm = events[-1]["response"]
        assert (warm["output"], warm["usage"]["total_tokens"], warm["store"]) == ([], 0, False)
        assert len(recalling.asked) == asked
        first = turn(opened, model=model, input="two", previous_response_id=warm["id"], store=False)
        assert text(first).endswith("user:one | user:two")
        kept = turn(opened, model=model, input="three", generate=False, store=True)[-1]["response"]
        assert kept["store"] is True
        [error] = turn(opened, model="nobody", input="x", generate=False)
        assert error["status"] == 404
        [error] = turn(opened, model=model, input="x", generate=False, previous_response_id="resp_none")
        assert error["error"]["code"] == "previous_response_not_found"
        assert text(turn(opened, model=model, input="on", generate=True)).endswith("user:on")
    again = place.sdk().responses.create(model="agent_a", input="four", previous_response_id=kept["id"])
    assert again.output_text.endswith("user:three | user:four")


def until_ended(opened: ClientConnection, turns: int) -> list[Any]:
    events: list[Any] = []
    while sum(one["type"] == "response.completed" for one in events) < turns:
        events.append(json.loads(opened.recv(PATIENCE)))
    return events


def test_lanes_are_answered_side_by_side_and_each_remembers(place: Place, recalling: Recalling) -> None:
    recalling.hold()
    with socket(place) as opened:
        say(opened, input="please wait", store=False, stream_id="main")
        say(opened, input="next", store=False, stream_id="main")
        say(opened, input="two", store=False, stream_id="side.1")
        say(opened, input="three", store=False)
        events = until_ended(opened, 2)
        done = [one for one in events if one["type"] == "response.completed"]
        assert {one.get("stream_id") for one in done} == {"side.1", None}
        recalling.go_on()
        rest = until_ended(opened, 2)
        assert {one["stream_id"] for one in rest} == {"main"}
        main = [one["response"] for one in rest if one["type"] == "response.completed"]
        assert [one["output"][-1]["content"][0]["text"][-4:] for one in main] == ["wait", "next"]
        side = next(one["response"]["id"] for one in done if one.get("stream_id"))
        fork = turn(opened, input="fork", previous_response_id=side, store=False, stream_id="fork")
        assert text(fork).endswith("user:two | assistant:system:Be kind. | user:two | user:fork")
        [error] = turn(opened, input=7, previous_response_id=side, stream_id="fork")
        assert (error["status"], error["stream_id"]) == (400, "fork")
        on = turn(opened, input="on", previous_response_id=side, store=False, stream_id="side.1")
        assert text(on).endswith("user:on")


def test_names_of_lanes_are_checked_and_counted(place: Place) -> None:
    with socket(place) as opened:
        for name in ("", "a b", "x" * 257, 7):
            [error] = turn(opened, input="x", stream_id=name)
            assert (error["error"]["code"], "stream_id" in error) == ("invalid_stream_id", False)
        for number in range(32):
            say(opened, stream_id=f"l{number}", model="nobody")
        told = [json.loads(opened.recv(PATIENCE)) for _ in range(32)]
        assert {one["stream_id"] for one in told} == {f"l{number}" for number in range(32)}
        [error] = turn(opened, input="x", stream_id="one-more")
        assert (error["error"]["code"], error["stream_id"]) == ("websocket_stream_limit_reached", "one-more")
        assert turn(opened, input="x", stream_id="l1")[-1]["type"] == "response.completed"
        assert turn(opened, input="x")[-1]["type"] == "response.completed"


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
