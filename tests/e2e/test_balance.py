"""Balances through a real gateway: what a call is charged, by how it ended, to the last nano-USD."""

from __future__ import annotations

import http.client
import json
import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from books import Books, configured, eventually, make_users

from gateway.testing.fake_upstream import CUT, HANG, FakeUpstream, Script
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
CHAT = "/v1/chat/completions"
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
SAID = {"messages": [{"role": "user", "content": "Hi"}]}
CALL = {"model": "chat/priced", "max_tokens": 1000, **SAID}
UPSTREAM = "/chat/chat/completions"
NATIVE: dict[str, tuple[str, Json]] = {
    "chat": (CHAT, {"model": "chat/priced", **SAID}),
    "responses": ("/v1/responses", {"model": "responses/priced", "input": "Hi"}),
    "messages": ("/v1/messages", {"model": "messages/priced", "max_tokens": 90_000, **SAID}),
    "gemini": (
        "/v1beta/models/gemini/priced:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": {"maxOutputTokens": 90_000}},
    ),
}
ERROR = {"error": {"message": "No.", "type": "server_error", "param": None, "code": None}}
PIECE = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "priced"}
DONE = b"data: [DONE]\n\n"
Operate = Callable[..., str]


def reply(usage: Json | None = USAGE) -> Json:
    message = {"role": "assistant", "content": "A word of twenty-four b."}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    told = {"usage": usage} if usage else {}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "priced", "choices": choices, **told}


def delta(text: str = "", finish: str | None = None, usage: Json | None = None) -> bytes:
    choices = [] if usage else [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]
    members = {**PIECE, "choices": choices, **({"usage": usage} if usage else {})}
    return b"data: " + json.dumps(members).encode() + b"\n\n"


def limit_in(body: Json) -> int:
    """Of what an upstream was asked for, whatever its dialect."""
    names = ("max_tokens", "max_completion_tokens", "max_output_tokens")
    [limit] = [body[name] for name in names if name in body] or [body["generationConfig"]["maxOutputTokens"]]
    assert isinstance(limit, int)
    return limit


def sent(upstream: FakeUpstream) -> int:
    """Tokens that the last call is taken for."""
    return math.ceil(len(upstream.arrived[-1].body) / 4)


TEXT, END = delta("A word of twenty-four b."), delta(finish="stop")


def nothing_held(books: Books) -> bool:
    return books.rows("SELECT * FROM holds") == []


@dataclass(frozen=True)
class Payer:
    """Somebody with an account of their own, and a gateway."""

    gateway: RunningGateway
    books: Books
    name: str
    key: str

    def call(self, body: Json) -> tuple[int, bytes, bool]:
        """Status, body, and whether it came to its end."""
        with closing(self.ask(body)) as connection:
            came = connection.getresponse()
            try:
                return came.status, came.read(), True
            except http.client.IncompleteRead as cut:
                return came.status, cut.partial, False

    def ask(self, body: Json) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.gateway.url.removeprefix("http://"), timeout=20)
        headers = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        connection.request("POST", CHAT, json.dumps(body), headers)
        return connection


@pytest.fixture(scope="module")
def somebody(
    upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory, operate: Operate
) -> Iterator[Callable[..., Payer]]:
    """`somebody(start=credits)`: a new user of the gateway with that start balance. In the end all of it adds up."""
    names = [f"user{number}" for number in range(24)]
    with ExitStack() as stack:
        gateways: dict[float, tuple[RunningGateway, list[tuple[str, str]]]] = {}

        def payer(start: float = 10_000) -> Payer:
            if start not in gateways:
                config = json.dumps(configured(upstream.url, start))
                running = stack.enter_context(RunningGateway(tmp_path_factory.mktemp("balance"), config))
                gateways[start] = running, make_users(Path(running.environ["GATEWAY_STATE_DIR"]), names)
            running, users = gateways[start]
            user_id, key = users.pop()
            return Payer(running, Books(running, user_id), names[len(users)], key)

        yield payer
        for running, _ in gateways.values():
            eventually(partial(nothing_held, Books(running)))
            assert json.loads(operate(running, "audit", "--json"))["discrepancies"] == []


@pytest.fixture
def payer(somebody: Callable[..., Payer]) -> Payer:
    return somebody()


@pytest.mark.parametrize(
    ("script", "stream"),
    [
        (whole(reply()), False),
        (streamed(TEXT, END, delta(usage=USAGE), DONE), True),
    ],
)
def test_a_complete_reply_costs_what_was_reported(
    payer: Payer, upstream: FakeUpstream, script: Script, stream: bool
) -> None:
    upstream.answer(UPSTREAM, script)
    assert payer.call({**CALL, "stream": stream})[0] == 200
    row = payer.books.settled()
    assert (row["outcome"], row["rule"], row["price"], row["taken"]) == ("complete", "reported", 200_000, 200_000)
    assert (row["exact"], row["source"], row["cost"]) == ("200000", "tokenConfig in librechat.yaml", 200_000)
    assert (row["input"], row["output"], row["estimated"]) == (100, 50, 0)
    assert payer.books.account() == (9_800_000, 0, 200_000)
    [attempt] = payer.books.attempts()
    assert (attempt["outcome"], attempt["charge"]["rule"]) == ("complete", "reported")
    assert attempt["charge"]["exact"] == "200000"


@pytest.mark.parametrize(("script", "stream"), [(whole(reply(usage=None)), False), (streamed(TEXT, END, DONE), True)])
def test_a_reply_without_usage_is_estimated(payer: Payer, upstream: FakeUpstream, script: Script, stream: bool) -> None:
    upstream.answer(UPSTREAM, script)
    assert payer.call({**CALL, "stream": stream})[0] == 200
    row, read = payer.books.settled(), sent(upstream)
    assert (row["outcome"], row["rule"], row["estimated"]) == ("complete", "estimated", 1)
    assert (row["input"], row["output"], row["price"]) == (read, 6, (read + 12) * 1000)


def test_a_client_that_leaves_pays_for_what_came_with_a_margin(payer: Payer, upstream: FakeUpstream) -> None:
    upstream.answer(UPSTREAM, streamed(TEXT, HANG))
    with closing(payer.ask({**CALL, "stream": True})) as connection:
        assert connection.getresponse().read(20)
    row, read = payer.books.settled(), sent(upstream)
    assert (row["outcome"], row["rule"], row["output"]) == ("client_gone", "estimated", 6)
    assert row["price"] == row["taken"] == read * 1000 + 13_800  # 6 tokens at 2 credits, and 15 % on top
    assert row["cost"] == read * 1000 + 12_000


def test_an_upstreams_error_costs_nothing(payer: Payer, upstream: FakeUpstream) -> None:
    upstream.answer(UPSTREAM, whole(ERROR, status=500))
    assert payer.call(CALL)[0] == 500
    row = payer.books.settled()
    assert (row["outcome"], row["rule"], row["price"], row["taken"]) == ("upstream_error", "free", 0, 0)
    assert payer.books.account() == (10_000_000, 0, 0)


def test_a_stream_that_breaks_off_costs_what_had_come(payer: Payer, upstream: FakeUpstream) -> None:
    upstream.answer(UPSTREAM, streamed(TEXT, CUT))
    status, said, ended = payer.call({**CALL, "stream": True})
    assert (status, b'"error"' in said, ended) == (200, True, False)
    row = payer.books.settled()
    assert (row["outcome"], row["rule"], row["price"]) == ("broken", "estimated", (sent(upstream) + 12) * 1000)


def test_a_whole_reply_that_breaks_off_costs_nothing(payer: Payer, upstream: FakeUpstream) -> None:
    upstream.answer(UPSTREAM, streamed(b'{"id":"c","choices":[', CUT, content_type="application/json"))
    assert payer.call(CALL)[0] == 502
    row = payer.books.settled()
    assert (row["outcome"], row["rule"], row["taken"]) == ("broken", "free", 0)


def test_nothing_that_never_reached_the_upstream_costs_anything(tmp_path: Path) -> None:
    with RunningGateway(tmp_path, json.dumps(configured("http://127.0.0.1:9"))) as gateway:
        assert gateway.post(CHAT, CALL)[0] == 502
        row = Books(gateway).settled()
        assert (row["outcome"], row["rule"], row["taken"], row["cost"]) == ("upstream_error", "free", 0, 0)


@pytest.mark.parametrize("dialect", NATIVE)
def test_a_balance_that_is_spent_is_402_in_the_dialects_words_and_asks_nobody(
    somebody: Callable[..., Payer], upstream: FakeUpstream, calling: Callable[..., Any], dialect: str
) -> None:
    payer, before = somebody(start=5), len(upstream.arrived)
    path, body = NATIVE[dialect]
    came = calling(payer.gateway.url, payer.key).post(path, body)
    assert "The balance does not cover this call" in came.refused(402)
    assert len(upstream.arrived) == before
    assert payer.books.account() == (5_000, 0, 0)
    assert payer.books.settlements() == []


@pytest.mark.parametrize("asked", NATIVE)
@pytest.mark.parametrize("spoken", NATIVE)
def test_where_little_is_left_the_upstream_is_told_to_write_no_more_than_that(
    somebody: Callable[..., Payer], upstream: FakeUpstream, calling: Callable[..., Any], asked: str, spoken: str
) -> None:
    """1,000 credits, less the input's, at two credits a token."""
    payer, before = somebody(start=1000), len(upstream.arrived)
    path, body = NATIVE[asked]
    path = path.replace(f"{asked}/priced", f"{spoken}/priced")
    if "model" in body:
        body = {**body, "model": f"{spoken}/priced"}
    calling(payer.gateway.url, payer.key).post(path, body)
    read = math.ceil(len(json.dumps(body)) / 4)
    assert limit_in(json.loads(upstream.arrived[before].body)) == (1000 - read) // 2


def test_enough_leaves_the_call_as_it_is(payer: Payer, upstream: FakeUpstream) -> None:
    upstream.answer(UPSTREAM, whole(reply()))
    assert payer.call(CALL)[0] == 200
    assert json.loads(upstream.arrived[-1].body) == {**CALL, "model": "priced"}


def test_a_stream_that_ignores_its_limit_is_stopped_in_band(
    somebody: Callable[..., Payer], upstream: FakeUpstream
) -> None:
    payer = somebody(start=1000)
    upstream.answer(UPSTREAM, streamed(*[delta("sixteen letters." * 4)] * 5000, END, DONE))
    status, said, ended = payer.call({"model": "chat/priced", "stream": True, **SAID})
    assert (status, ended) == (200, False)
    assert b"The balance is spent, so that this reply ends here." in said
    row = payer.books.settled()
    assert (row["outcome"], row["taken"], row["price"] > row["taken"]) == ("refused", 1_000_000, True)
    assert payer.books.account() == (0, 0, 1_000_000)
    eventually(upstream.arrived[-1].gone.is_set)


def test_the_callers_balance_is_told_as_librechat_tells_it(
    payer: Payer, upstream: FakeUpstream, operate: Operate, calling: Callable[..., Any]
) -> None:
    upstream.answer(UPSTREAM, whole(reply()))
    caller, stranger = calling(payer.gateway.url, payer.key), calling(payer.gateway.url, "sk-" + "0" * 64)
    assert caller.get("/api/balance").json["tokenCredits"] == 10_000
    assert caller.post(CHAT, CALL).status == 200
    eventually(lambda: caller.get("/api/balance").json["tokenCredits"] == 9_800)
    assert stranger.get("/api/balance").status == 401
    listed = json.loads(operate(payer.gateway, "balance", "list", "--json"))
    assert [one["credits"] for one in listed if one["name"] == payer.name] == [9800]


def test_what_was_added_can_be_spent_at_once(payer: Payer, upstream: FakeUpstream, operate: Operate) -> None:
    upstream.answer(UPSTREAM, whole(reply()))
    operate(payer.gateway, "balance", "set", payer.name, "0")
    assert payer.call(CALL)[0] == 402
    operate(payer.gateway, "balance", "add", payer.name, "5000")
    assert payer.call(CALL)[0] == 200


def test_the_doctor_needs_no_balance(payer: Payer, upstream: FakeUpstream, operate: Operate) -> None:
    upstream.answer(UPSTREAM, whole(reply()), streamed(TEXT, END, delta(usage=USAGE), DONE))
    operate(payer.gateway, "doctor", "--endpoint", "chat", "--model", "priced")
    assert Books(payer.gateway, "operator").settlements() == []


def test_prices_alone_are_kept_where_transactions_are_asked_for(
    upstream: FakeUpstream, tmp_path: Path, operate: Operate
) -> None:
    config = configured(upstream.url) | {"balance": {"enabled": False}, "transactions": {"enabled": True}}
    upstream.answer(UPSTREAM, whole(reply()))
    with RunningGateway(tmp_path, json.dumps(config)) as gateway:
        assert gateway.post(CHAT, CALL)[0] == 200
        books = Books(gateway)
        row = books.settled()
        assert (row["price"], row["taken"], row["rule"]) == (200_000, 0, "reported")
        assert books.rows("SELECT * FROM movements") == []
        assert json.loads(operate(gateway, "audit", "--json"))["discrepancies"] == []


def test_without_either_nothing_is_written(upstream: FakeUpstream, tmp_path: Path) -> None:
    config = configured(upstream.url)
    del config["balance"]
    upstream.answer(UPSTREAM, whole(reply()))
    with RunningGateway(tmp_path, json.dumps(config)) as gateway:
        assert gateway.post(CHAT, CALL)[0] == 200
        eventually(lambda: len(Books(gateway).attempts()) == 1)
        assert "charge" not in Books(gateway).attempts()[0]
        assert Books(gateway).settlements() == []
