"""Secrets, instructions, prompts and answers, through everything that a gateway does and fails at: none comes out."""

from __future__ import annotations

import http.client
import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.fake_upstream import CUT, FakeUpstream, Script, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

CHAT, RESPONSES = "/v1/chat/completions", "/v1/responses"
INSTRUCTIONS = 'Canary-Of-Instructions: "never" tell é.\nAnd the second line of Canary-Of-Instructions too.'
UPSTREAM_KEY, HEADER = "canary+of/upstream.key==", "canary of a header"
PROMPT, ANSWER, CLIENTS = "canary-of-the-prompt", "canary-of-the-answer", "canary-of-the-clients-instructions"
OPERATOR = RunningGateway.key
SAID = f"no: key {UPSTREAM_KEY}, X: {HEADER}, system: {INSTRUCTIONS}, user: {PROMPT}, got {ANSWER}"
NEVER_TO_CLIENTS = ("Canary-Of-Instructions", UPSTREAM_KEY, HEADER, OPERATOR)
PATHS = (CHAT, RESPONSES)
LISTS = ("/v1/models", "/api/agents/v1/models", "/v1/models/agent_chats")
OTHERS = ("/metrics", "/ready", "/health", "/openapi.json", *LISTS)
COMMANDS = (
    ("plugins",),
    ("check",),
    ("usage", "--json"),
    ("usage", "--csv", "--by", "user,key,endpoint,model"),
    ("keys", "list"),
    ("keys", "list", "--json"),
    ("users", "list"),
)
NOWHERE = (*NEVER_TO_CLIENTS, PROMPT, ANSWER, CLIENTS)
"""In logs, metrics, the store, and what commands print."""


def event(name: str, **members: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps({**members, 'type': name})}\n\n".encode()


def chunk(**members: Any) -> bytes:
    return f"data: {json.dumps({'id': 'c', 'object': 'chat.completion.chunk', 'model': 'm', **members})}\n\n".encode()


def response(status: str = "completed", **members: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": ANSWER, "annotations": []}
    message = {"id": "msg", "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    echoed = {"instructions": f"{INSTRUCTIONS}\n\n{CLIENTS}", "error": None, "output": [message]}
    return {"id": "resp", "object": "response", "created_at": 1, "status": status, "model": "m", **echoed, **members}


DELTA = chunk(choices=[{"index": 0, "delta": {"role": "assistant", "content": ANSWER}, "finish_reason": None}])
END = chunk(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}]) + b"data: [DONE]\n\n"
CREATED = event("response.created", sequence_number=0, response=response("in_progress", output=[]))
COMPLETED = event("response.completed", sequence_number=9, response=response())
ERROR = {"message": SAID, "code": "server_error", "type": "server_error"}
FAILED = response("failed", error={"code": "server_error", "message": SAID}, output=[])
CHOICE = {"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}
REFUSALS = {
    **{f"refused with {n}": whole({"error": ERROR}, n) for n in (400, 401, 403, 404, 413, 422, 429, 500, 503)},
    "refused in plain text": Script(500, {"content-type": "text/plain"}, lambda: (SAID.encode(),), whole=True),
    "refused by a page": Script(502, {"content-type": "text/html"}, lambda: (f"<p>{SAID}".encode(),), whole=True),
    "refused in a list": whole([{"error": ERROR}], 400),
    "refused with quoted JSON": whole({"error": {"message": json.dumps({"content": INSTRUCTIONS})}}, 400),
    "refused in raw UTF-8": whole(json.dumps({"error": ERROR}, ensure_ascii=False).encode(), 400),
    "redirected": whole(b"", 302, {"location": f"http://x/?key={UPSTREAM_KEY}"}),
    "no JSON": whole(SAID.encode()),
    "nothing": whole(b""),
}
CHAT_SCRIPTS = {
    **REFUSALS,
    "answered": whole({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE]}),
    "an error in 200": whole({"error": ERROR}),
    "streamed": stream(DELTA, END),
    "an error in a stream": stream(DELTA, chunk(error=ERROR)),
    "only an error in a stream": stream(b"data: " + json.dumps({"error": ERROR}).encode() + b"\n\n"),
    "cut": stream(DELTA, CUT),
    "cut in an error": stream(DELTA, chunk(error=ERROR)[:-30], CUT),
}
RESPONSES_SCRIPTS = {
    **REFUSALS,
    "answered": whole(response()),
    "failed": whole(FAILED),
    "streamed": stream(CREATED, COMPLETED),
    "an error in a stream": stream(CREATED, event("error", sequence_number=1, **ERROR)),
    "an odd error in a stream": stream(CREATED, b"event: error\ndata: " + json.dumps(ERROR).encode() + b"\n\n"),
    "failed in a stream": stream(CREATED, event("response.failed", sequence_number=1, response=FAILED)),
    "cut": stream(CREATED, CUT),
    "cut in an echo": stream(CREATED[: CREATED.index(b"second line")], CUT),
}


@pytest.fixture(scope="module", params=["json", "console"])
def tour(
    request: pytest.FixtureRequest, upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tour]:
    directory = tmp_path_factory.mktemp("canary")
    upstream.arrived.clear()
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": [endpoint("chats", upstream.url), endpoint("responds", upstream.url)]},
        "gateway": {
            "log": {"level": "debug", "format": request.param},
            "provider-custom": {"dialects": {"responds": ["open-responses"]}},
            "agents": [
                {"id": f"agent_{name}", "endpoint": name, "model": "m", "instructions": INSTRUCTIONS}
                for name in ("chats", "responds", "echo")
            ],
        },
    }
    variables = {"FAR_KEY": UPSTREAM_KEY, "FAR_HEADER": HEADER}
    with RunningGateway(directory, json.dumps(config), environ=variables) as gateway:
        yield Tour(gateway, upstream, gateway.environ)


def endpoint(name: str, url: str) -> dict[str, Any]:
    headers = {"X-Far": "${FAR_HEADER}"}
    base = {"apiKey": "${FAR_KEY}", "baseURL": f"{url}/{name}", "headers": headers}
    return {"name": name, **base, "models": {"default": ["m"], "fetch": True}}


class Tour:
    """key: a user's, made by the command; what it printed is not searched."""

    def __init__(self, gateway: RunningGateway, upstream: FakeUpstream, environ: dict[str, str]) -> None:
        self.gateway = gateway
        self.upstream = upstream
        self.environ = environ
        self.key = self.command("keys", "create", "--user", "ada", "--role", "ADMIN", "--label", "canary").strip()

    def command(self, *words: str) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            cwd=self.gateway.directory,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return ended.stdout + (ended.stderr if words[0] != "keys" else "")

    def ask(self, caller: Any, path: str, model: str, streamed: bool) -> str:
        said = {"messages": [{"role": "system", "content": CLIENTS}, {"role": "user", "content": PROMPT}]}
        if path == RESPONSES:
            said = {"input": PROMPT, "instructions": CLIENTS}
        try:
            return shown(caller.post(path, {"model": model, "stream": streamed, "user": PROMPT, **said}))
        except http.client.IncompleteRead as cut:
            return f"cut {cut.partial.decode()}"


@pytest.fixture(scope="module")
def replies(tour: Tour, caller_of: Callable[..., Any]) -> list[tuple[str, str, str]]:
    """What clients got: what was done, by which path, and headers and body."""
    far = (("chats", CHAT_SCRIPTS, "/chats/chat/completions"), ("responds", RESPONSES_SCRIPTS, "/responds/responses"))
    found: list[tuple[str, str, str]] = []
    with closing(caller_of(tour.gateway.url, tour.key)) as caller:
        for name, scripts, address in far:
            for what, script in scripts.items():
                tour.upstream.answer(address, script)
                for path, model, streamed in product(PATHS, (f"agent_{name}", f"{name}/m"), (False, True)):
                    label = f"{what}: {model}{' streamed' if streamed else ''}"
                    found.append((label, path, tour.ask(caller, path, model, streamed)))
        for path, streamed in product(PATHS, (False, True)):
            found.append(("answered: echo", path, tour.ask(caller, path, "agent_echo", streamed)))
        found += [(path, path, shown(caller.get(path))) for path in OTHERS]
        found.append(("no such model", CHAT, tour.ask(caller, CHAT, "nothing", False)))
        found.append(("not JSON", CHAT, shown(caller.post(CHAT, b'{"messages": "' + PROMPT.encode()))))
        found.append(("no HTTP", CHAT, shown(caller.send("GET", "/v1/models", authorization=f"Bearer {tour.key}\x01"))))
        found.append(("wrong key", CHAT, shown(caller.get("/v1/models", authorization=f"Bearer {tour.key}0"))))
    return found


def shown(came: Any) -> str:
    return f"{came.status} {came.headers} {came.body.decode()}"


def test_the_tour_reached_what_it_meant_to(replies: list[tuple[str, str, str]], tour: Tour) -> None:
    """Else nothing would be found where nothing was tried."""
    assert all(UPSTREAM_KEY in arrived.headers["authorization"] for arrived in tour.upstream.arrived)
    assert all(arrived.headers["x-far"] == HEADER for arrived in tour.upstream.arrived)
    bodies = [json.loads(arrived.body) for arrived in tour.upstream.arrived if arrived.method == "POST"]
    assert len(bodies) == len(CHAT_SCRIPTS) * 8 + len(RESPONSES_SCRIPTS) * 8
    assert sum("Canary-Of-Instructions" in json.dumps(body) for body in bodies) == len(bodies) // 2
    answers = [said for label, _, said in replies if label.startswith(("answered", "streamed: agent"))]
    assert all(ANSWER in said or PROMPT in said for said in answers)
    assert {said[:3] for label, _, said in replies if label.startswith("refused with 429")} == {"429"}


def test_no_client_reads_a_secret_or_an_agents_instructions(replies: list[tuple[str, str, str]], tour: Tour) -> None:
    found = [
        (canary, label, path, said[:600])
        for label, path, said in replies
        for canary in (*NEVER_TO_CLIENTS, tour.key)
        if canary in said and not (canary in (HEADER, "Canary-Of-Instructions") and "/m" in label)
    ]
    assert not found, "\n".join(map(str, found))


def test_clients_read_their_own_instructions_back(replies: list[tuple[str, str, str]]) -> None:
    echoed = [said for label, path, said in replies if path == RESPONSES and label == "answered: agent_responds"]
    assert echoed
    assert all(f'"instructions":"{CLIENTS}"' in said for said in echoed)


def test_logs_hold_none(replies: list[tuple[str, str, str]], tour: Tour) -> None:
    tour.gateway.stop()
    lines = tour.gateway.output + tour.gateway.errors
    assert len(lines) > len(replies)
    assert not [line for line in lines if any(canary in line for canary in (*NOWHERE, tour.key))]


def test_what_programs_and_operators_are_told_holds_none(replies: list[tuple[str, str, str]], tour: Tour) -> None:
    told = [said for label, _, said in replies if label in OTHERS]
    told += [tour.command(*words) for words in COMMANDS]
    assert all(told)
    assert not [said for said in told if any(canary in said for canary in (*NOWHERE, tour.key))]


def test_the_store_holds_none_but_what_was_said_in_responses(replies: list[tuple[str, str, str]], tour: Tour) -> None:
    """Those are kept, as their clients read them."""
    tour.gateway.stop()
    state = tour.gateway.directory / "state"
    files = [file for file in state.rglob("*") if file.is_file()]
    everything = b"".join(file.read_bytes() for file in files)
    assert not [canary for canary in (UPSTREAM_KEY, HEADER, OPERATOR, tour.key) if canary.encode() in everything]
    beside = b"".join(file.read_bytes() for file in files if not file.name.startswith("gateway.db"))
    with closing(sqlite3.connect(state / "gateway.db", timeout=10)) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        held = [str(row) for name in tables if name != "responses" for row in database.execute(f"SELECT * FROM {name}")]
        kept = [str(row) for row in database.execute("SELECT agent, input, reply FROM responses WHERE agent <> ''")]
    assert any("agent_chats" in row for row in held)
    assert not [canary for canary in NOWHERE if canary in "".join(held) or canary.encode() in beside]
    assert any(ANSWER in row for row in kept)
    assert not [row for row in kept if "Canary-Of-Instructions" in row]


def test_a_key_in_a_query_is_redacted(tmp_path: Path, caller_of: Callable[..., Any]) -> None:
    with RunningGateway(tmp_path, None, "--log-level", "debug") as gateway:
        with closing(caller_of(gateway.url)) as caller:
            for path in (f"/v1/models?key={gateway.key}", f"/nowhere?key={gateway.key}", f"/?a=b&key={gateway.key}&c"):
                caller.get(path)
            came = [shown(caller.get(f"{path}?key={gateway.key}")) for path in ("/nowhere", "/v1/v1/models", "/health")]
        gateway.stop()
        assert gateway.key not in "\n".join(gateway.errors + gateway.output + came)
