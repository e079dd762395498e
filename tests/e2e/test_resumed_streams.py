"""Streams whose clients lost their connection: they go on, are taken up again on any worker, and billed once."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import openai
import pytest
from keeping import Place
from recalling import Recalling

PATIENCE = 30.0
"""Seconds for what happens soon."""
ASK = {"X-Gateway-Resumable": "true"}
SAID = [{"role": "user", "content": "please wait"}]
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"model": "chat/m", "messages": SAID}),
    "messages": ("/v1/messages", {"model": "agent_a", "max_tokens": 99, "messages": SAID}),
    "gemini": (
        "/v1beta/models/agent_a:streamGenerateContent?alt=sse",
        {"contents": [{"role": "user", "parts": [{"text": "please wait"}]}]},
    ),
    "responses": ("/v1/responses", {"model": "native/m", "input": "please wait"}),
}


@pytest.fixture(autouse=True)
def held(recalling: Recalling) -> None:
    recalling.hold()


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def events_of(text: bytes) -> list[bytes]:
    return [event for event in text.replace(b"\r", b"").split(b"\n\n") if event and not event.startswith(b":")]


def number_of(event: bytes) -> int:
    assert event.startswith(b"id: ")
    return int(event[4 : event.index(b"\n")])


class Listener:
    """One connection, to whichever worker takes it."""

    def __init__(self, place: Place, key: str = "") -> None:
        self.connection = http.client.HTTPConnection(place.running.url.removeprefix("http://"), timeout=PATIENCE)
        self._key = key or place.running.key

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> http.client.HTTPResponse:
        given = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, None if body is None else json.dumps(body), given)
        return self.connection.getresponse()

    def close(self) -> None:
        self.connection.close()


@contextmanager
def listener(place: Place, key: str = "") -> Iterator[Listener]:
    with closing(Listener(place, key)) as one:
        yield one


def begun(place: Place, name: str, key: str = "", **more: Any) -> tuple[str, list[bytes]]:
    """A stream that stands still in its midst, and whose client then drops the socket: where it is found, and the
    events that came.
    """
    path, body = CALLS[name]
    if "?" not in path:
        body = {**body, "stream": True}
    with listener(place, key) as one:
        reply = one.ask("POST", path, {**body, **more}, **ASK)
        assert reply.status == 200
        seen = b""
        while b"plea" not in seen and b"user" not in seen and b"syst" not in seen:
            seen += reply.read1()
        while not seen.endswith((b"\n\n", b"\r\n\r\n")):
            seen += reply.read1()
        found = reply.headers["X-Gateway-Resume"]
        assert found == "/v1/streams/" + reply.headers["X-Gateway-Exchange"]
        if one.connection.sock is not None:
            one.connection.sock.close()
        reply.close()
    return found, events_of(seen)


def read(place: Place, path: str, key: str = "", **headers: str) -> tuple[int, bytes]:
    with listener(place, key) as one:
        reply = one.ask("GET", path, **headers)
        return reply.status, reply.read()


def wrote(place: Place, user: str) -> int:
    told = json.loads(place.operator("usage", "--by", "user", "--user", user, "--json"))
    return int(told["total"]["output"])


@pytest.mark.parametrize("name", CALLS)
def test_a_lost_stream_goes_on_and_is_read_again_by_number_and_billed_once(
    place: Place, recalling: Recalling, name: str
) -> None:
    user, before = f"ann-{name}", recalling.left
    key = place.key(user)
    path, seen = begun(place, name, key)
    recalling.go_on()
    last = number_of(seen[-1])
    status, rest = read(place, path, key, Last_Event_ID=str(last))
    assert status == 200
    numbers = [number_of(event) for event in (*seen, *events_of(rest))]
    assert numbers == list(range(len(numbers)))
    assert numbers[-1] > last
    assert b"se wait" in rest or b"wait" in rest
    for _ in range(3):  # whichever worker
        status, whole = read(place, path, key)
        assert events_of(whole) == [*seen, *events_of(rest)]
    assert read(place, f"{path}?starting_after={last}", key) == (200, rest)
    assert read(place, path, key, Last_Event_ID=str(numbers[-1])) == (204, b"")
    assert recalling.left == before
    until(lambda: wrote(place, user) == 3)


def test_a_stream_is_followed_while_it_runs(place: Place, recalling: Recalling) -> None:
    path, seen = begun(place, "chat")
    with listener(place) as one:
        reply = one.ask("GET", path, Last_Event_ID=str(number_of(seen[-1]) - 1))
        first = reply.read1()
        assert first.strip() == seen[-1]
        recalling.go_on()
        assert reply.read().endswith(b"data: [DONE]\n\n")


def test_nobody_else_is_told_of_a_stream(place: Place, recalling: Recalling) -> None:
    recalling.go_on()
    path, _ = begun(place, "chat", place.key("ann"))
    other = place.key("bob")
    limited = place.key("ann", "--model", "native/m")
    for key in (other, limited, place.running.key):
        assert read(place, path, key)[0] == 404
        with listener(place, key) as one:
            assert one.ask("DELETE", path).status == 404
    assert read(place, path, "sk-nobodys")[0] == 401
    assert read(place, "/v1/streams/ex_none")[0] == 404
    assert read(place, path, place.key("ann"), Last_Event_ID="x")[0] == 400


def test_a_stream_is_ended_by_whichever_worker(place: Place, recalling: Recalling) -> None:
    for _ in range(3):
        before = recalling.left
        path, _ = begun(place, "chat")
        with listener(place) as reader, listener(place) as one:
            reading = reader.ask("GET", path)
            assert reading.read1()
            assert one.ask("DELETE", path).status == 204
            with pytest.raises(http.client.IncompleteRead):
                reading.read()
        until(lambda before=before: recalling.left > before)  # type: ignore[misc]
        assert read(place, path, Last_Event_ID="99")[0] == 409


@pytest.mark.parametrize("asks", [{}, {"X-Gateway-Resumable": "false"}], ids=["not", "no"])
def test_a_client_that_leaves_another_stream_ends_it(place: Place, recalling: Recalling, asks: dict[str, str]) -> None:
    before = recalling.left
    path, body = CALLS["chat"]
    with listener(place) as one:
        reply = one.ask("POST", path, {**body, "stream": True}, **asks)
        assert reply.headers["X-Gateway-Resume"] is None
        assert b"id: " not in reply.read1()
        one.connection.sock.close()
        reply.close()
    until(lambda: recalling.left > before)


def test_a_kept_response_is_read_again_by_its_own_id(place: Place, recalling: Recalling) -> None:
    sdk = place.sdk()
    seen: list[Any] = []
    stream = sdk.responses.create(model="agent_a", input="please wait", store=True, stream=True, extra_headers=ASK)
    for event in stream:
        seen.append(event)
        if event.type == "response.output_text.delta":
            break
    stream.close()
    sdk.close()
    name, last = seen[0].response.id, seen[-1].sequence_number
    recalling.go_on()
    with place.sdk() as sdk:
        rest = list(sdk.responses.retrieve(name, stream=True, starting_after=last))
        assert [one.sequence_number for one in (*seen, *rest)] == list(range(len(seen) + len(rest)))
        done = sdk.responses.retrieve(name)
        assert done.to_dict() == rest[-1].response.to_dict()  # type: ignore[union-attr]
        assert (done.status, done.store) == ("completed", True)
        after = sdk.responses.create(model="agent_a", input="more", previous_response_id=name)
        assert "user:please wait" in after.output_text
    with place.sdk(place.key("dora")) as other, pytest.raises(openai.NotFoundError):
        list(other.responses.retrieve(name, stream=True))
