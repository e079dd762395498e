"""`gateway agents`: documents by hand and by files, on a store that nobody else uses."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gateway_provider_agents as plugin
import pytest
import yaml
from click.testing import CliRunner

from gateway import Agent, Store
from gateway.cli.context import Context
from gateway.testing import installed

CONFIG = """
version: 1.3.5
gateway:
  agents:
    - {id: agent_file, name: Filed, endpoint: echo, model: echo, instructions: Be brief., model_parameters: {top_p: 1}}
    - {id: agent_held, endpoint: echo, model: echo, model_parameters: {top_p: 1}, locked: [top_p], access: {}}
"""
TWO: list[dict[str, Any]] = [
    {
        "id": "agent_a",
        "name": "A",
        "author": "ann",
        "provider": "echo",
        "model": "echo",
        "instructions": "One.\nTwo: {{current_date}}\n",
        "model_parameters": {"temperature": 0.5},
        "tools": ["look_mcp_files"],
        "edges": [{"from": "", "to": "agent_b", "edgeType": "handoff"}],
        "of_tomorrow": {"x": [1, 2.5, None]},
    },
    {"id": "agent_b", "provider": "echo", "model": "echo"},
]
Console = Callable[..., Any]


@pytest.fixture
def console(state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "librechat.yaml").write_text(CONFIG)
    [agents] = plugin.register_commands()

    def run(*words: str, code: int = 0, **more: Any) -> Any:
        context = Context(config=tmp_path / "librechat.yaml", environ={"GATEWAY_STATE_DIR": str(state)})
        result = CliRunner().invoke(agents, list(words), obj=context, **more)  # type: ignore[arg-type]
        assert result.exit_code == code, result.output
        return result

    return run


def kept(state: Path, work: Callable[[Store], Any]) -> Any:
    async def go() -> Any:
        settings = installed.bare_settings({"GATEWAY_STATE_DIR": str(state)})
        [store] = installed.registered(installed.plugins()["store-sql"].load(), "register_stores", settings)
        await store.open()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(go())


@pytest.fixture
def ann(state: Path) -> str:
    found: str = kept(state, lambda store: store.users.create("ann", "ann@example.org")).id
    return found


def told(result: Any) -> Any:
    return json.loads(result.stdout)


def test_an_agent_is_made_changed_reverted_and_deleted(console: Console, ann: str, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("Say little.\n")
    made = told(
        console(
            *("create", "--provider", "echo", "--model", "echo", "--name", "Helper", "--author", "ann@example.org"),
            *("--instructions-file", "words.txt", "--parameter", "temperature=0.5", "--parameter", "stop=END"),
            *("--tool", "a", "--tool", "b", "--category", "it", "--set", "recursion_limit=9", "--json"),
        )
    )
    assert (made["author"], made["version"], made["unavailable"]) == ("ann", 1, None)
    assert made["notes"] == ["tools: no plugin here runs a", "tools: no plugin here runs b"]
    assert "Say little" not in json.dumps(made)
    agent = made["id"]
    console("update", agent, "--name", "Other", "--parameter", "stop=null", "--set", "is_promoted=true")
    [document] = told(console("export", agent, "--json"))
    assert document == {
        "id": agent,
        "author": "ann",
        "name": "Other",
        "instructions": "Say little.\n",
        "provider": "echo",
        "model": "echo",
        "model_parameters": {"temperature": 0.5},
        "tools": ["a", "b"],
        "category": "it",
        "recursion_limit": 9,
        "is_promoted": True,
    }
    second, first = told(console("versions", agent, "--json"))
    assert (second["version"], second["current"], second["by"]) == (2, True, "command line")
    assert second["changed"] == ["is_promoted", "model_parameters", "name"]
    assert (first["version"], first["current"], first["changed"]) == (1, False, None)
    assert "2 (now)" in console("versions", agent).stdout
    assert told(console("revert", agent, "1", "--json"))["version"] == 3
    assert told(console("export", agent, "--json"))[0]["name"] == "Helper"
    assert "those from 1 to 3 are kept" in console("revert", agent, "9", code=1).output
    assert console("delete", agent).stdout == f"{agent} is deleted.\n"
    for words in (("delete",), ("versions",), ("show",), ("export",), ("update", "--name", "x"), ("revert", "1")):
        assert "There is no agent" in console(words[0], agent, *words[1:], code=1).output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("create", "--provider", "echo"), 1, "at `model`"),
        (("create", "--model", "echo"), 1, "at `provider`"),
        (("create", "--provider", "echo", "--model", "m", "--author", "nobody"), 1, "There is no user 'nobody'"),
        (("create", "--provider", "echo", "--model", "m", "--set", "tools=7"), 1, "at `tools`"),
        (("create", "--provider", "echo", "--model", "m", "--set", "tools"), 2, "no NAME=VALUE"),
        (("create", "--provider", "echo", "--model", "m", "--set", 'edges=[{"from":"","to":"gone"}]'), 1, "'gone'"),
        (("create", "--instructions", "x", "--instructions-file", "-"), 2, "not both"),
        (("update", "agent_x"), 2, "Nothing to change"),
        (("diff", "nowhere.yaml"), 2, "does not exist"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(console: Console, words: tuple[str, ...], code: int, said: str) -> None:
    assert said in console(*words, code=code).output
    assert told(console("list", "--json")) == []


def test_a_file_is_applied_once_and_then_changes_nothing(
    console: Console, ann: str, state: Path, tmp_path: Path
) -> None:
    (tmp_path / "agents.yaml").write_text(yaml.safe_dump(TWO))
    missing = told(console("diff", "agents.yaml", "--json", code=1))
    assert [one["state"] for one in missing] == ["not in the store"] * 2
    done = told(console("apply", "agents.yaml", "--json"))
    assert [(one["id"], one["done"], one["version"]) for one in done] == [
        ("agent_a", "created", 1),
        ("agent_b", "created", 1),
    ]
    agent = kept(state, lambda store: store.agents.get("agent_a"))
    assert (agent.author, agent.instructions) == (ann, TWO[0]["instructions"])
    assert agent.extra["edges"][0]["from"] == "agent_a"
    again = console("apply", "agents.yaml")
    assert again.stdout == "= agent_a (A): unchanged, version 1\n= agent_b: unchanged, version 1\n"
    same = console("diff", "agents.yaml")
    assert same.stdout == "= agent_a (A): same\n= agent_b: same\n"
    assert told(console("diff", "agents.yaml", "--json"))[0]["differences"] == []


def test_what_is_exported_is_applied_as_the_same(console: Console, ann: str, state: Path, tmp_path: Path) -> None:
    (tmp_path / "agents.json").write_text(json.dumps({"agents": TWO}))
    console("apply", "agents.json")
    before = kept(state, lambda store: store.agents.get("agent_a"))
    console("export", "--output", "out.yaml")
    assert stat.S_IMODE((tmp_path / "out.yaml").stat().st_mode) == 0o600
    text = (tmp_path / "out.yaml").read_text()
    assert "instructions: |\n    One.\n" in text
    assert console("export").stdout == text
    assert [one["done"] for one in told(console("apply", "out.yaml", "--json"))] == ["unchanged"] * 2
    for agent in ("agent_b", "agent_a"):
        console("delete", agent)
    assert [one["done"] for one in told(console("apply", "out.yaml", "--json"))] == ["created"] * 2
    after = kept(state, lambda store: store.agents.get("agent_a"))
    assert {**after.versions[0], "createdAt": 0, "updatedAt": 0} == {
        **before.versions[0],
        "createdAt": 0,
        "updatedAt": 0,
        "category": "general",
    }


def test_drift_is_told_in_words_colours_and_an_exit_code(console: Console, ann: str, tmp_path: Path) -> None:
    (tmp_path / "agents.yaml").write_text(yaml.safe_dump(TWO))
    console("apply", "agents.yaml")
    console("update", "agent_a", "--instructions", "One.\nThree.\n", "--parameter", "temperature=1", "--set", "x=1")
    console("create", "--provider", "echo", "--model", "m", "--id", "agent_z", "--author", "ann")
    differing = console("diff", "agents.yaml", code=1)
    assert "\x1b" not in differing.stdout
    assert differing.stdout.splitlines() == [
        "~ agent_a (A): differs",
        "    instructions",
        "        One.",
        "      - Three.",
        "      + Two: {{current_date}}",
        "    model_parameters.temperature",
        "      - 1",
        "      + 0.5",
        "    x",
        "      - 1",
        "= agent_b: same",
    ]
    coloured = console("diff", "agents.yaml", code=1, color=True).stdout
    assert "\x1b[31m      - Three.\x1b[0m" in coloured
    assert "\x1b[32m      + 0.5\x1b[0m" in coloured
    found = told(console("diff", "agents.yaml", "--all", "--json", code=1))
    assert [(one["id"], one["state"]) for one in found] == [
        ("agent_a", "differs"),
        ("agent_b", "same"),
        ("agent_z", "only in the store"),
    ]
    assert {"member": "x", "store": 1, "wanted": None} in found[0]["differences"]
    assert "~ agent_a (A): updated, version 3" in console("apply", "agents.yaml").stdout
    console("diff", "agents.yaml")
    (tmp_path / "agents.yaml").write_text(yaml.safe_dump([{**TWO[1], "author": "ann"}]))
    [one] = told(console("diff", "agents.yaml", "--json", code=1))
    assert one["differences"] == [{"member": "author", "store": "", "wanted": "ann"}]


def test_the_configuration_is_compared_with_what_the_store_has_under_its_ids(console: Console, state: Path) -> None:
    assert [one["state"] for one in told(console("diff", "--json", code=1))] == ["not in the store"] * 2

    async def fill(store: Store) -> None:
        filed = {"id": "agent_file", "name": "Filed", "provider": "echo", "model": "echo"}
        await store.agents.put(Agent(**filed, instructions="Be brief.", model_parameters={"top_p": 1}))  # type: ignore[arg-type]
        await store.agents.put(Agent("agent_held", provider="echo", model="echo-tools", extra={"category": "it"}))

    kept(state, fill)
    same, other = told(console("diff", "--json", code=1))
    assert (same["state"], same["notes"]) == ("same", [])
    assert other["differences"] == [
        {"member": "model", "store": "echo-tools", "wanted": "echo"},
        {"member": "model_parameters.top_p", "store": None, "wanted": 1},
    ]
    assert [note.split(":")[0] for note in other["notes"]] == ["locked", "access"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "at `[0]`"),
        ("[{provider: a, model: b}]", "at `[0].id`"),
        ("[{id: x, provider: a}]", "at `[0].model`"),
        ("[{id: x, provider: a, model: b}, {id: x, provider: a, model: b}]", "at `[1].id`"),
        ("[{id: x, provider: a, model: b, edges: [{to: 1, from: ''}]}]", "at `[0].edges[0].to`"),
        ("[{id: x, provider: a, model: b, author: nobody}]", "no user 'nobody'"),
        ("[{id: x, provider: a, model: b, edges: [{to: y, from: ''}]}]", "'y'"),
        ("{", "cannot be read"),
        ("7", "holds no agents"),
    ],
)
def test_a_file_with_something_wrong_is_not_applied(console: Console, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "agents.yaml").write_text(text)
    assert said in console("apply", "agents.yaml", code=1).output
    assert told(console("list", "--json")) == []
