"""Budgets through a real gateway without balances: refused, stopped in-band, let through and told, set meanwhile."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from administering import Admin
from books import Books, configured, eventually, make_users

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.fake_upstream import stream as streamed
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
Operate = Callable[..., str]
Came = tuple[int, dict[str, str], bytes]
CHAT, UPSTREAM = "/v1/chat/completions", "/chat/chat/completions"
SAID = {"messages": [{"role": "user", "content": "Hi"}]}
CALL = {"model": "chat/priced", "max_tokens": 100, **SAID}
NATIVE: dict[str, tuple[str, Json]] = {
    "chat": (CHAT, CALL),
    "responses": ("/v1/responses", {"model": "responses/priced", "input": "Hi"}),
    "messages": ("/v1/messages", {"model": "messages/priced", "max_tokens": 100, **SAID}),
    "gemini": (
        "/v1beta/models/gemini/priced:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": {"maxOutputTokens": 100}},
    ),
}
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
REPLY = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "priced", "usage": USAGE,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}],
}  # fmt: skip
PIECE = {
    "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "priced",
    "choices": [{"index": 0, "delta": {"content": "sixteen letters." * 4}, "finish_reason": None}],
}  # fmt: skip
BUDGETS = [
    {"for": "run", "names": ["poor"], "credits": 5, "per": "day"},
    {"for": "run", "names": ["stream"], "credits": 1000},
    {"for": "run", "names": ["soft"], "credits": 5, "cap": "soft"},
    {"for": "run", "names": ["near"], "credits": 150, "cap": "soft"},
]


class Caller:
    def __init__(self, gateway: RunningGateway, user_id: str, key: str) -> None:
        self.gateway, self.user_id, self._key = gateway, user_id, key
        self.books = Books(gateway, user_id)

    def call(self, path: str, body: Json, run: str = "") -> Came:
        """Status, headers and what came of the body."""
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        headers |= {"x-gateway-run": run} if run else {}
        with closing(http.client.HTTPConnection(self.gateway.url.removeprefix("http://"), timeout=20)) as connection:
            connection.request("POST", path, json.dumps(body), headers)
            came = connection.getresponse()
            told = {name.lower(): value for name, value in came.getheaders()}
            try:
                return came.status, told, came.read()
            except http.client.IncompleteRead as cut:
                return came.status, told, cut.partial


@pytest.fixture(scope="module")
def caller(
    upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory, operate: Operate
) -> Iterator[Callable[[], Caller]]:
    """Another user at each call. In the end all of it adds up."""
    config = configured(upstream.url)
    del config["balance"]
    config["gateway"]["budgets"] = BUDGETS
    with RunningGateway(tmp_path_factory.mktemp("budgets"), json.dumps(config), "--workers", "2") as gateway:
        users = make_users(Path(gateway.environ["GATEWAY_STATE_DIR"]), [f"user{number}" for number in range(12)])
        yield lambda: Caller(gateway, *users.pop())
        eventually(lambda: Books(gateway).rows("SELECT * FROM holds") == [])
        assert json.loads(operate(gateway, "audit", "--json"))["discrepancies"] == []


@pytest.mark.parametrize("dialect", NATIVE)
def test_a_budget_that_is_used_up_is_402_in_the_dialects_words_and_asks_nobody(
    caller: Callable[[], Caller], upstream: FakeUpstream, dialect: str
) -> None:
    ada, before = caller(), len(upstream.arrived)
    status, headers, body = ada.call(*NATIVE[dialect], run="poor")
    assert (status, len(upstream.arrived)) == (402, before)
    error = json.loads(body)["error"]
    assert (
        f"The budget of the run '{ada.user_id}/poor', USD 0.000005 a day, does not cover this call" in error["message"]
    )
    assert "and USD 0.000005 are left until " in error["message"]
    assert 0 < int(headers["retry-after"]) <= 86_400
    assert ada.books.settlements() == []


def test_a_stream_is_stopped_in_band_at_the_budget(caller: Callable[[], Caller], upstream: FakeUpstream) -> None:
    ada = caller()
    piece = b"data: " + json.dumps(PIECE).encode() + b"\n\n"
    upstream.answer(UPSTREAM, streamed(*[piece] * 5000, b"data: [DONE]\n\n"))
    status, _, said = ada.call(CHAT, {"model": "chat/priced", "stream": True, **SAID}, run="stream")
    assert status == 200
    assert f"The budget of the run '{ada.user_id}/stream', USD 0.001 in total, is used up".encode() in said
    assert b"[DONE]" not in said
    row = ada.books.settled()
    assert (row["outcome"], row["taken"]) == ("refused", 1_000_000)


def test_a_soft_one_is_told_in_a_header_the_record_and_a_metric(
    caller: Callable[[], Caller], upstream: FakeUpstream
) -> None:
    ada = caller()
    upstream.answer(UPSTREAM, whole(REPLY))
    status, headers, _ = ada.call(CHAT, CALL, run="soft")
    name = f"run:{ada.user_id}/soft/total"
    assert (status, headers["x-gateway-budget-passed"]) == (200, name)
    eventually(lambda: [attempt["passed"] for attempt in ada.books.attempts()] == [[name]])
    assert ada.books.settled()["taken"] == 200_000

    def counted() -> bool:
        with closing(http.client.HTTPConnection(ada.gateway.url.removeprefix("http://"), timeout=20)) as connection:
            connection.request("GET", "/metrics")
            return b'gateway_budgets_passed_total{kind="run"} 1.0' in connection.getresponse().read()

    eventually(counted)


def test_the_call_that_passes_a_soft_one_is_told_itself(caller: Callable[[], Caller], upstream: FakeUpstream) -> None:
    ada = caller()
    upstream.answer(UPSTREAM, whole(REPLY))
    _, headers, _ = ada.call(CHAT, CALL, run="near")
    name = f"run:{ada.user_id}/near/total"
    assert headers["x-gateway-budget-passed"] == name
    eventually(lambda: [attempt["passed"] for attempt in ada.books.attempts()] == [[name]])


def test_of_a_stream_that_passes_one_the_record_tells(caller: Callable[[], Caller], upstream: FakeUpstream) -> None:
    ada = caller()
    told = b"data: " + json.dumps({**PIECE, "choices": [], "usage": USAGE}).encode() + b"\n\n"
    piece = b"data: " + json.dumps(PIECE).encode() + b"\n\n"
    upstream.answer(UPSTREAM, streamed(piece, told, b"data: [DONE]\n\n"))
    status, headers, _ = ada.call(CHAT, {**CALL, "stream": True}, run="near")
    assert (status, "x-gateway-budget-passed" in headers) == (200, False)
    eventually(lambda: [attempt["passed"] for attempt in ada.books.attempts()] == [[f"run:{ada.user_id}/near/total"]])


def test_one_that_is_set_or_removed_holds_in_every_worker(
    caller: Callable[[], Caller], upstream: FakeUpstream, operate: Operate
) -> None:
    ada = caller()
    upstream.answer(UPSTREAM, whole(REPLY))
    assert ada.call(CHAT, CALL)[0] == 200
    name = json.loads(
        operate(ada.gateway, "budgets", "set", f"user:{ada.user_id}", "--usd", "0", "--per", "month", "--json")
    )["name"]
    eventually(lambda: all_get(ada, 402))
    operate(ada.gateway, "budgets", "remove", name)
    eventually(lambda: all_get(ada, 200))


def test_a_key_is_made_with_a_budget_or_not_at_all(caller: Callable[[], Caller], calling: Callable[..., Any]) -> None:
    gateway = caller().gateway
    admin = Admin(calling(gateway.url))
    user = admin.user()
    made = admin.key(user=user["id"], budgets=["0/day", "100/month"])
    assert made["budgets"] == [f"key:{made['id']}/day", f"key:{made['id']}/month"]
    assert set(made["budgets"]) <= {one["name"] for one in admin.all("/budgets", 100)}
    own = Caller(gateway, user["id"], made["key"])
    eventually(lambda: all_get(own, 402))
    assert admin.wrong("POST", "/keys", {"user": user["id"], "budgets": ["5/dy"]})[0] == "budgets"
    assert len(admin.get(f"/keys?user={user['id']}")["data"]) == 1


def all_get(ada: Caller, status: int) -> bool:
    """Enough calls in a row that each of two workers has its share."""
    return all(ada.call(CHAT, CALL)[0] == status for _ in range(12))
