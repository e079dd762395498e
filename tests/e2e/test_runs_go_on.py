"""Agents' runs in the background outlast their process: a crash, a drain, a freeze; and what a reload does to runs."""

from __future__ import annotations

import json
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import openai
import pytest
import thinking
from clients import opened
from thinking import Model, Turn, results, rounds

from gateway.testing import tools
from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.running import RunningGateway

Json = dict[str, Any]
TOOLS = ["test_add", "test_note", "test_die", "test_wait"]
AGENT: Json = {"id": "agent_tools", "tools": TOOLS}
MORE: Json = {
    "top": {"interface": {"remoteAgents": {"use": True}}},
    "dialect-open-responses": {"silence": 2},
    "provider-agents": {"lease": 1},
    "timeouts": {"drain": 1},
}
OVER = ("completed", "incomplete", "failed", "cancelled")
PATIENCE = 40.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tools.installed(tmp_path_factory.mktemp("tools") / "site")


@pytest.fixture
def serving(upstream: FakeUpstream, site: Path, tmp_path: Path) -> Callable[..., RunningGateway]:
    """Gateways on one store, one after another or at once, each not started yet."""

    def make(name: str = "g") -> RunningGateway:
        text = thinking.config(upstream, AGENT, **MORE)
        store = {"GATEWAY_STATE_DIR": str(tmp_path / "state")}
        return RunningGateway(tmp_path / name, text, environ=thinking.environ(site, tmp_path / "notes") | store)

    return make


def client(gateway: RunningGateway, key: str = RunningGateway.key) -> openai.OpenAI:
    return opened(openai.OpenAI(base_url=gateway.url + "/v1", api_key=key, max_retries=0, timeout=PATIENCE))


def until(there: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(sdk: openai.OpenAI, name: str) -> Any:
    until(lambda: sdk.responses.retrieve(name).status in OVER)
    return sdk.responses.retrieve(name)


def begun(sdk: openai.OpenAI, said: str, **more: Any) -> str:
    return sdk.responses.create(model="agent_tools", input=said, background=True, **more).id


def read(stream: Any, into: list[Any], then: Callable[[], None]) -> None:
    """then: what is done at each event."""
    for event in stream:
        into.append(event)
        then()


def asks(model: Model, said: str) -> list[int]:
    """The turns that were asked for in the run that began with these words."""
    return [rounds(body["messages"]) for body in model.asked if {"role": "user", "content": said} in body["messages"]]


def noted(tmp_path: Path) -> list[str]:
    file = tmp_path / "notes" / "notes"
    return [line.split()[0] for line in file.read_text().splitlines() if line.strip()] if file.exists() else []


def test_a_run_goes_on_after_a_crash_from_its_last_step(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], calling: Any, operate: Any, tmp_path: Path
) -> None:
    """Beside it one of a user who is disabled meanwhile, and one whose turn may have changed something by itself."""
    turns = [
        Turn("One.", [("test_add", {"a": 1, "b": 2})]),
        Turn("Two.", [("test_note", {"text": "noted"}), ("test_wait", {"file": "there"})]),
        Turn("Three.", [("test_die", {"text": "died"}), ("test_add", {"a": 5})]),
        Turn("Done."),
    ]

    def mind(messages: list[Json]) -> Turn:
        said = [one["content"] for one in messages if one["role"] == "user"]
        return turns[rounds(messages)] if said == ["go"] else Turn("Hm.", hangs=True)

    model = Model(upstream, mind)
    seen: list[Any] = []
    with serving() as running:
        sdk = client(running)
        key = json.loads(operate(running, "keys", "create", "--user", "ann", "--json"))["key"]
        anns = begun(client(running, key), "ann")
        searching: Any = [{"type": "web_search"}]
        hosted = begun(sdk, "hosted", tools=searching)
        until(lambda: asks(model, "ann") and asks(model, "hosted"))
        stream = sdk.responses.create(model="agent_tools", input="go", background=True, stream=True)
        with pytest.raises(openai.APIError):
            read(stream, seen, (tmp_path / "notes" / "there").touch)
        assert running.process.wait() == -signal.SIGKILL
        operate(running, "users", "disable", "ann")
    name = seen[0].response.id
    with serving() as running:
        sdk = client(running)
        rest: list[Any] = list(sdk.responses.retrieve(name, stream=True, starting_after=seen[-1].sequence_number))
        numbers = [event.sequence_number for event in (*seen, *rest)]
        assert numbers == sorted(set(numbers))
        whole = rest[-1].response
        assert (rest[-1].type, whole.output_text) == ("response.completed", "One.Two.Three.Done.")
        calls = [item for item in whole.output if item.type == "mcp_call"]
        assert [(call.name, call.output, call.status) for call in calls] == [
            ("add", "3", "completed"),
            ("note", "Noted.", "completed"),
            ("wait", "It is there.", "completed"),
            ("die", None, "failed"),
            ("add", "5", "completed"),
        ]
        assert "not known" in str(calls[3].error)
        assert "was not made again" in results(model.asked[-1]["messages"])[3]
        assert sorted(noted(tmp_path)) == ["died", "noted"]
        assert asks(model, "go") == [0, 1, 2, 3]
        assert (whole.usage.input_tokens, whole.usage.output_tokens) == (40, 20)
        everything = list(sdk.responses.retrieve(name, stream=True))
        assert everything[-1].response == whole  # type: ignore[union-attr]
        caller = calling(running.url)
        run = caller.get("/api/runs/ex_" + name.removeprefix("resp_")).json
        assert (run["state"], [call["state"] for call in run["calls"]]) == ("completed", ["answered", "unknown"])
        assert ended(sdk, hosted).status == "failed"
        until(lambda: status_of(tmp_path, anns) == "failed")
        assert (asks(model, "ann"), asks(model, "hosted")) == ([0], [0])


def status_of(tmp_path: Path, name: str) -> str:
    return str(_one(tmp_path, "SELECT status FROM responses WHERE id = ?", name))


def steps_of(tmp_path: Path, name: str) -> int:
    return int(_one(tmp_path, "SELECT COUNT(*) FROM response_steps WHERE response_id = ?", name))


def _one(tmp_path: Path, sql: str, name: str) -> Any:
    with closing(sqlite3.connect(tmp_path / "state" / "gateway.db", timeout=10)) as connection:
        [[value]] = connection.execute(sql, (name,)).fetchall()
        return value


def test_a_drain_leaves_runs_in_the_background_to_the_next_process_and_cuts_others(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], calling: Any, operate: Any, tmp_path: Path
) -> None:
    waits = {"first": True}

    def mind(messages: list[Json]) -> Turn:
        said, turn = messages[1]["content"], rounds(messages)
        if turn == 0:
            return Turn("One.", [("test_note", {"text": said})])
        return Turn("Two.", hangs=waits["first"] or said == "front")

    model = Model(upstream, mind)
    with serving() as running:
        sdk = client(running)
        behind = begun(sdk, "behind")
        front = sdk.chat.completions.create(
            model="agent_tools",
            messages=[{"role": "user", "content": "front"}],
            stream=True,
            extra_headers={"X-Request-Id": "front-1"},
        )
        until(lambda: asks(model, "behind") == [0, 1] and asks(model, "front") == [0, 1])
        assert running.stop() == 0
        with pytest.raises(openai.APIError):
            list(front)
    waits["first"] = False
    with serving() as running:
        done = ended(client(running), behind)
        assert (done.status, done.output_text) == ("completed", "One.Two.")
        caller = calling(running.url)
        [cut] = caller.get("/api/runs?request_id=front-1").json["data"]
        assert (cut["state"], [call["state"] for call in cut["calls"]]) == ("cancelled", ["answered"])
        assert (asks(model, "behind"), asks(model, "front")) == ([0, 1, 1], [0, 1])
        assert sorted(noted(tmp_path)) == ["behind", "front"]
        records = caller.get("/api/admin/usage/records?limit=100").json["data"]
        own = [one for one in records if one["id"] == "ex_" + behind.removeprefix("resp_")]
        assert [one["outcome"] for one in own] == ["complete"]
        totals = json.loads(operate(running, "usage", "--by", "agent", "--json"))["rows"]
        assert {row["group"]["agent"]: row["exchanges"] for row in totals}["agent_tools"] == 5, "its turns, and no run"


def test_runs_go_on_over_a_reload_as_they_began(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], tmp_path: Path
) -> None:
    model = Model(
        upstream,
        lambda messages: Turn("Done.") if rounds(messages) else Turn("One.", [("test_wait", {"file": "there"})]),
    )
    with serving() as running:
        sdk = client(running)
        behind = begun(sdk, "behind")
        front = sdk.responses.create(model="agent_tools", input="front", stream=True)
        until(lambda: asks(model, "behind") and asks(model, "front"))
        without = thinking.config(upstream, {"id": "agent_other"}, **MORE)
        (running.directory / "librechat.yaml").write_text(without)
        running.process.send_signal(signal.SIGHUP)
        until(
            lambda: [one.id for one in client(running).models.list() if one.id.startswith("agent_")] == ["agent_other"]
        )
        (tmp_path / "notes" / "there").touch()
        last: Any = list(front)[-1]
        assert (last.type, last.response.output_text) == ("response.completed", "One.Done.")
        done = ended(sdk, behind)
        assert (done.status, done.output_text) == ("completed", "One.Done.")


def freeze(gateway: RunningGateway, tmp_path: Path) -> None:
    """In a moment in which it does not write, since nobody else could."""

    def is_frozen() -> bool:
        gateway.process.send_signal(signal.SIGSTOP)
        with closing(sqlite3.connect(tmp_path / "state" / "gateway.db", timeout=1)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                gateway.process.send_signal(signal.SIGCONT)
                return False
            return True

    until(is_frozen)


def test_a_process_that_comes_back_does_nothing_more_for_a_run_that_another_took_up(
    upstream: FakeUpstream, serving: Callable[..., RunningGateway], tmp_path: Path
) -> None:
    turns = [Turn("One.", [("test_wait", {"file": "there"})]), Turn("Two.", [("test_note", {"text": "noted"})])]
    model = Model(upstream, lambda messages: [*turns, Turn("Done.")][rounds(messages)])
    with serving("a") as frozen, serving("b") as other:
        sdk = client(other)
        name = begun(client(frozen), "go")
        until(lambda: steps_of(tmp_path, name) == 2)
        freeze(frozen, tmp_path)
        try:
            until(lambda: f"{name} goes on here" in other.printed)
        finally:
            frozen.process.send_signal(signal.SIGCONT)
        (tmp_path / "notes" / "there").touch()
        done = ended(sdk, name)
        assert (done.status, done.output_text) == ("completed", "One.Two.Done.")
        assert client(frozen).responses.retrieve(name).output == done.output
        assert (noted(tmp_path), asks(model, "go")) == (["noted"], [0, 1, 2])
