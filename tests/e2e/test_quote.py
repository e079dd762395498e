"""POST /api/quote through a real gateway: it is what the call would be held for, and nothing comes of it."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from books import Books, configured, make_users

from gateway import Scopes
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
Calling = Callable[..., Any]
USAGE = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}
MESSAGE = {"role": "assistant", "content": "Well."}
REPLY = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "priced", "usage": USAGE,
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
}  # fmt: skip
SAID = {"messages": [{"role": "user", "content": "Hi"}]}
CHAT = "/v1/chat/completions"
NATIVE: dict[str, tuple[str, Json]] = {
    "chat": (CHAT, {"model": "chat/priced", "max_tokens": 700, **SAID}),
    "responses": ("/v1/responses", {"model": "responses/priced", "max_output_tokens": 700, "input": "Hi"}),
    "messages": ("/v1/messages", {"model": "messages/priced", "max_tokens": 700, **SAID}),
    "gemini": (
        "/v1beta/models/gemini/priced:generateContent?x=1",
        {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], "generationConfig": {"maxOutputTokens": 700}},
    ),
}


class Asker:
    """A user of their own at a gateway."""

    def __init__(self, gateway: RunningGateway, calling: Calling) -> None:
        [(user_id, key)] = make_users(Path(gateway.environ["GATEWAY_STATE_DIR"]), [f"user{secrets.token_hex(4)}"])
        self.books, self.owner = Books(gateway, user_id), f"user:{user_id}"
        self.caller = calling(gateway.url, key)

    def quote(self, path: str, body: Json) -> Any:
        return self.caller.post("/api/quote", {"path": path, "body": body})


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    with RunningGateway(tmp_path_factory.mktemp("quote"), json.dumps(configured(upstream.url))) as running:
        yield running


@pytest.fixture
def ada(gateway: RunningGateway, calling: Calling) -> Asker:
    return Asker(gateway, calling)


@pytest.fixture
def asker(upstream: FakeUpstream, tmp_path: Path, calling: Calling) -> Iterator[Callable[..., Asker]]:
    """`asker(start=credits)`, at a gateway of their own; balances are off where it is None."""
    with ExitStack() as stack:

        def make(start: float | None, change: Callable[[Json], None] | None = None, **more: Any) -> Asker:
            config = configured(upstream.url, start or 0, **more)
            if change is not None:
                change(config)
            if start is None:
                del config["balance"]
            return Asker(stack.enter_context(RunningGateway(tmp_path, json.dumps(config))), calling)

        yield make


@pytest.mark.parametrize("dialect", NATIVE)
def test_a_call_of_any_dialect_has_a_price_before_it_is_made(ada: Asker, upstream: FakeUpstream, dialect: str) -> None:
    before, (path, body) = len(upstream.arrived), NATIVE[dialect]
    came = ada.quote(path, body)
    assert came.status == 200
    told = came.json
    read = math.ceil(len(json.dumps(body)) / 4)
    price = read + 2 * 700
    rates = told["targets"][0].pop("rates")
    assert told == {
        "route": f"{dialect}/priced",
        "credits": price,
        "usd": f"{price / 1e6:.6f}".rstrip("0"),
        "bounded": True,
        "targets": [
            {
                "endpoint": dialect,
                "model": "priced",
                "credits": price,
                "usd": f"{price / 1e6:.6f}".rstrip("0"),
                "tokens": {"input": read, "output": 700, "choices": 1, "limited": True},
            }
        ],
        "balance": {"available": 10_000, "covered": True, "begun": True},
        "budgets": [],
        "refused_by": None,
    }
    assert (rates["input"], rates["output"], rates["source"]) == (1, 2, "tokenConfig in librechat.yaml")
    assert len(rates["version"]) == 12
    assert len(upstream.arrived) == before
    assert ada.books.account() == (10_000_000, 0, 0)
    of_theirs = ada.books.rows("SELECT movement FROM entries WHERE owner = ?1", ada.owner)
    assert {row["movement"] for row in of_theirs} == {f"start:{ada.owner}"}
    assert ada.books.settlements() == ada.books.attempts() == []


def test_it_is_what_the_call_is_held_for(ada: Asker, upstream: FakeUpstream) -> None:
    path, body = CHAT, {**NATIVE["chat"][1], "n": 3}
    quoted = ada.quote(path, body).json["credits"]
    upstream.answer("/chat/chat/completions", whole(REPLY))
    assert ada.caller.post(path, body).status == 200
    assert quoted > 3 * 2 * 700
    [held] = ada.books.rows(
        "SELECT amount FROM entries WHERE movement LIKE 'hold:%' AND part = 'held' AND owner = ?1", ada.owner
    )
    assert held["amount"] == quoted * 1000


@pytest.mark.parametrize(("start", "covered", "begun"), [(1000, False, True), (5, False, False)])
def test_a_balance_that_does_not_cover_it_says_so(
    asker: Callable[..., Asker], start: float, covered: bool, begun: bool
) -> None:
    told = asker(start).quote(*NATIVE["messages"])
    assert told.json["balance"] == {"available": start, "covered": covered, "begun": begun}
    assert told.json["refused_by"] == (None if begun else "balance")


def with_budgets(config: Json) -> None:
    config["gateway"]["budgets"] = [
        {"for": "key", "credits": 5, "per": "day"},
        {"for": "user", "credits": 1000},
        {"for": "run", "credits": 1200},
        {"for": "organisation", "credits": 1, "cap": "soft"},
    ]


@pytest.mark.parametrize("start", [10_000, None])
def test_it_tells_which_budget_would_refuse_the_call(asker: Callable[..., Asker], start: float | None) -> None:
    carl = asker(start, with_budgets)
    told = carl.quote(*NATIVE["messages"]).json
    [run, key, user, everybody] = told["budgets"]
    assert run == {"name": "run:/total", "left": 1200, "resets": None, "soft": False, "covered": False, "begun": True}
    assert (key["name"].startswith("key:"), key["left"], key["covered"], key["begun"]) == (True, 5, False, False)
    assert key["resets"] % 86_400 == 0
    assert (user["left"], user["covered"], user["begun"]) == (1000, False, True)
    assert (everybody["name"], everybody["left"], everybody["begun"]) == ("organisation:/total", 1, True)
    assert told["refused_by"] == key["name"]
    assert carl.books.rows("SELECT owner FROM accounts WHERE owner LIKE 'budget:%'") == []


def test_a_refill_that_the_call_would_bring_is_counted(asker: Callable[..., Asker]) -> None:
    refill = {
        "autoRefillEnabled": True, "refillIntervalValue": 1, "refillIntervalUnit": "seconds", "refillAmount": 9000,
    }  # fmt: skip
    carl = asker(5, **refill)
    carl.quote(*NATIVE["chat"])
    carl.books.change("UPDATE accounts SET refilled = 1")
    balance = carl.quote(*NATIVE["chat"]).json["balance"]
    assert balance == {"available": 9005, "covered": True, "begun": True}
    assert carl.books.account()[0] == 5000


def two_targets(config: Json) -> None:
    """The second one asks three and four credits for a token."""
    config["endpoints"]["custom"][1]["tokenConfig"]["priced"] = {"prompt": 3, "completion": 4, "context": 100_000}
    targets = [{"model": "chat/priced"}, {"model": "responses/priced"}]
    everybody = {"roles": ["USER"]}
    config["gateway"]["routes"] = [{"name": "smart", "targets": targets, "allow": everybody}]


def test_a_route_costs_what_the_dearest_of_its_targets_asks(asker: Callable[..., Asker]) -> None:
    body = {"model": "smart", "max_tokens": 700, **SAID}
    told = asker(3000, two_targets).quote(CHAT, body).json
    read = math.ceil(len(json.dumps(body)) / 4)
    assert [place["credits"] for place in told["targets"]] == [read + 2 * 700, 3 * read + 4 * 700]
    assert told["credits"] == 3 * read + 4 * 700
    assert told["balance"] == {"available": 3000, "covered": told["credits"] <= 3000, "begun": True}


def test_without_balances_there_is_a_price_and_no_balance(asker: Callable[..., Asker]) -> None:
    told = asker(None).quote(CHAT, {"model": "chat/priced", **SAID}).json
    assert told["credits"] > 0
    assert told["balance"] is None
    assert told["bounded"] is True, "the window of the model limits it"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/chat/completions", {"model": "nobody/knows", **SAID}, 404),
        ("/v1/chat/completions", {"model": 5}, 400),
        ("/api/agents/v1/chat/completions", {"model": "agent_x", **SAID}, None),
        ("/v1/nowhere", {}, 404),
        ("/v1/models", {}, 405),
    ],
)
def test_what_could_not_be_called_has_no_price(ada: Asker, path: str, body: Json, status: int | None) -> None:
    called, quoted = ada.caller.post(path, body).status, ada.quote(path, body).status
    assert quoted == called
    assert status in (None, quoted)
    assert quoted >= 400


@pytest.mark.parametrize("body", [[], {"path": CHAT}, {"body": {}}, {"path": 3, "body": {}}])
def test_what_is_no_question_is_told_what_one_looks_like(ada: Asker, body: Any) -> None:
    told = ada.caller.post("/api/quote", body)
    assert "`path` that the call would be posted to" in told.refused(400)


@pytest.mark.parametrize("path", ["/api/quote", "/v1/messages/count_tokens"])
def test_what_costs_nothing_says_so(ada: Asker, path: str) -> None:
    assert "costs nothing" in ada.quote(path, NATIVE["messages"][1]).refused(400)


def test_a_key_with_scopes_may_ask_about_what_it_may_call(gateway: RunningGateway, calling: Calling) -> None:
    directory = Path(gateway.environ["GATEWAY_STATE_DIR"])
    [(_, key)] = make_users(directory, [f"user{secrets.token_hex(4)}"], Scopes(models=("chat/priced",)))
    limited = calling(gateway.url, key)
    quoted = {
        name: limited.post("/api/quote", {"path": path, "body": body}).status for name, (path, body) in NATIVE.items()
    }
    assert quoted == {"chat": 200, "responses": 403, "messages": 403, "gemini": 403}
    assert limited.post("/api/api-keys", {"name": "mine"}).status == 403, "any other question that is posted"


def test_strangers_are_told_nothing(gateway: RunningGateway, calling: Calling) -> None:
    stranger = calling(gateway.url, "sk-" + "0" * 64)
    path, body = NATIVE["chat"]
    assert stranger.post("/api/quote", {"path": path, "body": body}).status == 401
