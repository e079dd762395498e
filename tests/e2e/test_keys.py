"""Keys made, ended and counted by the commands while a gateway of two workers serves."""

from __future__ import annotations

import csv
import datetime
import hashlib
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from gateway.testing.running import RunningGateway

CHAT = "/v1/chat/completions"
CALL = {"model": "agent_echo", "messages": [{"role": "user", "content": "one two three"}]}
CONFIG = {
    "version": "1.3.17",
    "interface": {"remoteAgents": {"use": True}},
    "gateway": {
        "agents": [
            {"id": "agent_echo", "endpoint": "echo", "model": "echo"},
            {"id": "agent_other", "endpoint": "echo", "model": "echo-reasoning"},
        ]
    },
}
Asked = Callable[[str], int]


class Operator:
    """Runs `gateway …` on the store of a running gateway."""

    def __init__(self, gateway: RunningGateway) -> None:
        self.gateway = gateway

    def __call__(self, *words: str, given: str = "", code: int = 0) -> str:
        ended = subprocess.run(
            [sys.executable, "-m", "gateway", *words],
            cwd=self.gateway.directory,
            env=self.gateway.environ,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == code, ended.stderr
        assert "Traceback" not in ended.stderr
        return ended.stdout if code == 0 else ended.stderr

    def create(self, *words: str) -> Any:
        return json.loads(self("keys", "create", "--json", *words))


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    directory = tmp_path_factory.mktemp("keys")
    with RunningGateway(directory, json.dumps(CONFIG), "--workers", "2", "--log-level", "debug") as running:
        yield running


@pytest.fixture(scope="module")
def operator(gateway: RunningGateway) -> Operator:
    return Operator(gateway)


@pytest.fixture
def asked(gateway: RunningGateway, caller_of: Callable[..., Any]) -> Asked:
    """`asked(key)`: the status of a call with it, on a connection of its own."""

    def ask(key: str) -> int:
        with closing(caller_of(gateway.url, key)) as caller:
            status: int = caller.post(CHAT, CALL).status
            return status

    return ask


@pytest.fixture
def callers(gateway: RunningGateway, caller_of: Callable[..., Any]) -> Iterator[Callable[[str], list[Any]]]:
    """`callers(key)`: connections that are kept, some to each worker, once the worker lets the key in."""
    with ExitStack() as stack:

        def connect(key: str) -> list[Any]:
            before = sockets(gateway)
            found: list[Any] = []
            while len(found) < 12 or (len(found) < 300 and not grown(before, sockets(gateway))):
                found.append(stack.enter_context(closing(caller_of(gateway.url, key))))
                assert eventually(lambda: found[-1].post(CHAT, CALL).status == 200)
            assert grown(before, sockets(gateway))
            return found

        yield connect


def sockets(gateway: RunningGateway) -> dict[int, int]:
    """Open sockets of each worker, where the system tells."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [line.split() for line in listed.splitlines()]
    workers = [int(pid) for pid, parent in pairs if int(parent) == gateway.process.pid]
    folders = [(pid, Path(f"/proc/{pid}/fd")) for pid in workers]
    return {pid: len(list(folder.iterdir())) for pid, folder in folders if folder.exists()}


def grown(before: dict[int, int], after: dict[int, int]) -> bool:
    return all(after[pid] > count for pid, count in before.items())


def eventually(check: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if check():
            return True
        time.sleep(0.05)
    return check()


def test_a_key_works_as_soon_as_it_is_made(operator: Operator, asked: Asked) -> None:
    for _ in range(3):
        made = operator.create("--user", "ada")
        assert [asked(made["key"]) for _ in range(6)] == [200] * 6


def test_a_key_that_was_refused_before_it_was_made_works_then(operator: Operator, callers: Any, asked: Asked) -> None:
    """Workers remember unknown keys, so one that is imported later must be forgotten to be unknown."""
    key = "sk-" + "ab" * 32
    assert [asked(key) for _ in range(8)] == [401] * 8
    imported(operator, key)
    callers(key)


def test_a_revoked_key_stops_in_every_worker(operator: Operator, callers: Any) -> None:
    made = operator.create("--user", "ada", "--label", "to revoke")
    kept = callers(made["key"])
    operator("keys", "revoke", made["id"])
    assert eventually(lambda: all(caller.post(CHAT, CALL).status == 401 for caller in kept))
    came = kept[0].post(CHAT, CALL)
    assert "revoked" in came.json["error"]["message"]
    assert came.json["error"]["code"] == "invalid_api_key"
    assert made["key"] not in came.body.decode()


def test_a_rotated_key_overlaps_with_its_successor(operator: Operator, callers: Any, asked: Asked) -> None:
    old = operator.create("--user", "ada", "--label", "rotated")
    kept = callers(old["key"])
    new = json.loads(operator("keys", "rotate", old["id"], "--overlap", "1h", "--json"))["new"]
    assert asked(new["key"]) == asked(old["key"]) == 200
    last = json.loads(operator("keys", "rotate", new["id"], "--overlap", "0s", "--json"))["new"]
    assert eventually(lambda: asked(new["key"]) == 401)
    assert asked(last["key"]) == 200
    assert [caller.post(CHAT, CALL).status for caller in kept] == [200] * len(kept)
    operator("keys", "rotate", old["id"], "--overlap", "1s")
    assert eventually(lambda: all(caller.post(CHAT, CALL).status == 401 for caller in kept))


def test_a_key_expires_also_where_it_is_cached(operator: Operator, callers: Any) -> None:
    soon = operator.create("--user", "ada", "--expires", "2s")
    kept = callers(soon["key"])
    assert eventually(lambda: all(caller.post(CHAT, CALL).status == 401 for caller in kept))
    assert "expired" in kept[0].post(CHAT, CALL).json["error"]["message"]


def test_an_end_in_the_past_is_refused(operator: Operator) -> None:
    assert "past" in operator("keys", "create", "--expires", "2001-01-01", code=2)


@pytest.mark.parametrize("words", [("--user", ""), ("--user", " "), ("--label", "a\nb"), ("--label", "x" * 5000)])
def test_names_that_say_nothing_make_no_key(operator: Operator, words: tuple[str, str]) -> None:
    """An empty name is mostly an unset variable of a script: it must not become an admin's key."""
    before = len(json.loads(operator("keys", "list", "--json")))
    assert "must be" in (said := operator("keys", "create", *words, code=1)) or "empty" in said
    assert len(json.loads(operator("keys", "list", "--json"))) == before


def imported(operator: Operator, key: str, **more: Any) -> str:
    document = {
        "_id": {"$oid": "65f1c0ffee65f1c0ffee0001"},
        "userId": {"$oid": "65f1c0ffee65f1c0ffee0002"},
        "name": "from LibreChat",
        "keyHash": hashlib.sha256(key.encode()).hexdigest(),
        "keyPrefix": key[:8],
        "createdAt": {"$date": "2026-01-01T00:00:00Z"},
    }
    return operator("keys", "import", "-", given=json.dumps(document | more))


def test_librechats_keys_go_on_working(operator: Operator, asked: Asked) -> None:
    key, ended = "sk-" + "12" * 32, "sk-" + "34" * 32
    past = datetime.datetime(2001, 1, 1, tzinfo=datetime.UTC).isoformat()
    assert "1 keys imported" in imported(operator, key) or "1 key" in imported(operator, key)
    imported(operator, ended, expiresAt={"$date": past})
    assert eventually(lambda: asked(key) == 200)
    assert asked(ended) == 401
    assert "were there already" in imported(operator, key)
    listed = [entry["label"] for entry in json.loads(operator("keys", "list", "--json"))]
    assert "from LibreChat" in listed


def test_what_commands_cannot_do_is_said(operator: Operator) -> None:
    assert "nothing" in operator("keys", "revoke", "nothing", code=1)
    assert operator("keys", "rotate", "nothing", code=1)
    assert "JSON" in operator("keys", "import", "-", given="{", code=1)


def test_lists_show_no_key(operator: Operator) -> None:
    made = operator.create("--user", "ada", "--label", "hidden")
    shown = operator("keys", "list") + operator("keys", "list", "--json") + operator("users", "list")
    assert made["id"] in shown
    assert made["key"] not in shown
    assert made["key"][8:20] not in shown


def test_users_may_not_call_agents_unless_librechats_setting_says_so(tmp_path: Path, caller_of: Any) -> None:
    statuses = {}
    for granted in (False, True):
        config = {**CONFIG, "interface": {"remoteAgents": {"use": True}} if granted else {}}
        with RunningGateway(tmp_path / str(granted), json.dumps(config)) as running:
            operator = Operator(running)
            keys = {role: operator.create("--user", role, "--role", role)["key"] for role in ("USER", "ADMIN", "GUEST")}
            for role, key in keys.items():
                with closing(caller_of(running.url, key)) as caller:
                    listed = [model["id"] for model in caller.get("/v1/models").json["data"]]
                    came = caller.post(CHAT, CALL)
                    mounted = caller.get("/api/agents/v1/models").status
                    statuses[role, granted] = (came.status, "agent_echo" in listed, mounted)
                    if came.status == 403:
                        assert came.json["error"]["code"] == "access_denied"
                        assert "interface.remoteAgents.use" in came.json["error"]["message"]
    refused, allowed = (403, False, 403), (200, True, 200)
    assert statuses == {
        ("USER", False): refused,
        ("GUEST", False): refused,
        ("ADMIN", False): allowed,
        ("USER", True): allowed,
        ("GUEST", True): allowed,
        ("ADMIN", True): allowed,
    }


def test_usage_by_key_is_what_was_called(operator: Operator, gateway: RunningGateway, caller_of: Any) -> None:
    calls = {"counted one": 5, "counted two": 3}
    for label, count in calls.items():
        made = operator.create("--user", "bob", "--label", label)
        with closing(caller_of(gateway.url, made["key"])) as caller:
            for number in range(count):
                model = "agent_other" if number == 0 else "agent_echo"
                assert caller.post(CHAT, {**CALL, "model": model, "stream": number % 2 == 1}).status == 200
            assert caller.post(CHAT, {**CALL, "model": "nothing"}).status == 404

    def report(*by: str) -> Any:
        return json.loads(operator("usage", "--json", "--user", "bob", *by))

    total = sum(calls.values()) + len(calls)
    assert eventually(lambda: sum(row["exchanges"] for row in report("--by", "key")["rows"]) == total)
    rows = report("--by", "key")["rows"]
    assert sorted(row["exchanges"] for row in rows) == [4, 6]
    assert sorted(row["input"] for row in rows) == [9, 15]
    by_agent = {row["group"]["agent"]: row["exchanges"] for row in report("--by", "agent")["rows"]}
    assert (by_agent["agent_echo"], by_agent["agent_other"]) == (6, 2)
    table = operator("usage", "--csv", "--user", "bob", "--by", "key,agent,model", "--zone", "Asia/Tokyo")
    detail = report("--by", "key,agent,model", "--zone", "Asia/Tokyo")["rows"]
    read = list(csv.DictReader(io.StringIO(table)))
    assert len(read) == len(detail) > 3
    for name in ("exchanges", "input", "output"):
        assert sorted(int(row[name] or 0) for row in read) == sorted(row[name] or 0 for row in detail)


def test_days_are_those_of_the_named_zone(operator: Operator) -> None:
    for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        report = json.loads(operator("usage", "--json", "--by", "day", "--zone", zone))
        assert report["zone"] == zone
        assert report["rows"]
    assert operator("usage", "--zone", "Mars/Olympus", code=1)


def test_no_key_was_logged(gateway: RunningGateway, operator: Operator, asked: Asked) -> None:
    made = operator.create("--user", "ada")
    wrong = made["key"][:-4] + "0000"
    assert (asked(made["key"]), asked(wrong), asked("Zm9v-no-form-of-a-key")) == (200, 401, 401)
    gateway.stop()
    said = "\n".join(gateway.output + gateway.errors)
    assert "agent_echo" in said
    for key in (made["key"], wrong, gateway.key, "Zm9v-no-form-of-a-key", "ab" * 32, "12" * 32):
        assert key not in said
    held = b"".join(file.read_bytes() for file in (gateway.directory / "state").rglob("*") if file.is_file())
    assert made["key"].encode() not in held
    assert made["id"].encode() in held
