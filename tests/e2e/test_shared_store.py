"""Two gateways on one PostgreSQL, as on two machines; and what they do while it is frozen."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.cli import main
from gateway.testing.postgres import LOCKED, PASSWORD, PostgresServer
from gateway.testing.running import RunningGateway

CHAT = "/v1/chat/completions"
CALL = {"model": "agent_echo", "messages": [{"role": "user", "content": "one two three"}]}
THEIRS = {"name": "theirs", "apiKey": "user_provided", "baseURL": "http://127.0.0.1:9/v1", "models": {"default": ["m"]}}
CONFIG = {
    "version": "1.3.17",
    "interface": {"remoteAgents": {"use": True}},
    "endpoints": {"custom": [THEIRS]},
    "gateway": {
        "store": {"url": f"postgresql://{LOCKED}:${{DATABASE_PASSWORD}}@127.0.0.1:${{DATABASE_PORT}}/${{DATABASE}}"},
        "agents": [{"id": "agent_echo", "endpoint": "echo", "model": "echo"}],
    },
}
SECRETS = (PASSWORD, PASSWORD.replace(" ", "%20"))
PATIENCE = 30.0
"""Seconds for what happens soon."""
Operator = Callable[..., str]


class Machine:
    """A gateway with a state directory of its own."""

    def __init__(self, running: RunningGateway, caller_of: Callable[..., Any]) -> None:
        self.running = running
        self._caller_of = caller_of

    def ask(self, key: str) -> int:
        """The status of a call with it."""
        with closing(self._caller_of(self.running.url, key)) as caller:
            status: int = caller.post(CHAT, CALL).status
            return status

    def ready(self) -> tuple[int, str, str]:
        """The status, its word, and the reasons."""
        with closing(self._caller_of(self.running.url)) as caller:
            came = caller.get("/ready")
            return came.status, came.json["status"], " ".join(came.json["reasons"])

    def spooled(self) -> int:
        """Records that wait on its disk."""
        files = Path(self.running.environ["GATEWAY_STATE_DIR"]).glob("usage-spool/usage-*")
        return sum(len(file.read_bytes().splitlines()) for file in files)


@pytest.fixture(scope="module")
def environ(postgres: PostgresServer) -> Iterator[dict[str, str]]:
    """Of a database with nothing in it, and of a user who needs a password."""
    database = postgres.create(more=f"OWNER {LOCKED}")
    yield {
        "DATABASE_PASSWORD": SECRETS[1],
        "DATABASE_PORT": str(postgres.port),
        "DATABASE": database,
        "CREDS_KEY": "0123456789abcdef" * 4,
    }
    postgres.thaw()
    postgres.drop(database)


@pytest.fixture(scope="module")
def operator(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """`operator(*words, code=0)`: what `gateway …` prints on a third machine."""
    file = tmp_path_factory.mktemp("operator") / "librechat.yaml"
    file.write_text(json.dumps(CONFIG))

    def run(*words: str, code: int = 0) -> str:
        env = {**environ, "GATEWAY_STATE_DIR": str(file.parent)}
        ended = CliRunner().invoke(main, ["-c", str(file), *words], env=env)
        assert ended.exit_code == code, ended.output
        assert not [secret for secret in SECRETS if secret in ended.output]
        return ended.stdout if code == 0 else ended.output

    return run


@pytest.fixture(scope="module")
def unstarted(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RunningGateway]:
    directory = tmp_path_factory.mktemp("machines")
    return lambda name: RunningGateway(directory / name, json.dumps(CONFIG), environ=environ)


@pytest.fixture(scope="module")
def machines(
    unstarted: Callable[[str], RunningGateway], operator: Operator, caller_of: Callable[..., Any]
) -> Iterator[list[Machine]]:
    """Two, on a database whose schema is up to date. Neither ever prints the password."""
    operator("migrate", "up")
    with ExitStack() as stack:
        running = [stack.enter_context(unstarted(name)) for name in ("here", "there")]
        yield [Machine(one, caller_of) for one in running]
    for one in running:
        assert not [secret for secret in SECRETS if secret in one.printed]
        assert "Traceback" not in one.printed


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def made(operator: Operator, user: str) -> tuple[str, str]:
    """A key's id and text."""
    told = json.loads(operator("keys", "create", "--json", "--user", user))
    return told["id"], told["key"]


def exchanges(operator: Operator, user: str) -> int:
    return int(json.loads(operator("usage", "--by", "user", "--user", user, "--json"))["total"]["exchanges"])


def test_a_start_on_a_schema_that_is_not_up_to_date_is_refused_and_says_what_to_do(
    unstarted: Callable[[str], RunningGateway], operator: Operator
) -> None:
    assert "pending" in operator("migrate", "status", code=1)
    with pytest.raises(RuntimeError, match="once for all machines and with this version: gateway migrate up"):
        unstarted("early").__enter__()
    assert "gateway migrate up" in operator("keys", "list", code=2)


def test_what_one_machine_makes_ends_and_counts_holds_on_the_other(machines: list[Machine], operator: Operator) -> None:
    here, there = machines
    key_id, key = made(operator, "ann")
    for _ in range(5):
        assert (here.ask(key), there.ask(key)) == (200, 200)
    until(lambda: exchanges(operator, "ann") == 10)
    operator("keys", "revoke", key_id)
    until(lambda: 200 not in (here.ask(key), there.ask(key)))
    assert here.ready() == there.ready() == (200, "ready", "")


def test_a_key_that_a_user_keeps_on_one_machine_is_there_on_the_other(
    machines: list[Machine], caller_of: Callable[..., Any]
) -> None:
    here, there = machines
    kept = json.dumps({"name": "theirs", "value": "sk-mine"}).encode()
    with closing(caller_of(here.running.url)) as caller:
        assert caller.send("PUT", "/api/keys", kept).status == 201
    with closing(caller_of(there.running.url)) as caller:
        assert caller.get("/api/keys?name=theirs").json == {"expiresAt": "never"}


def test_without_the_database_known_keys_work_records_wait_and_all_is_counted_once(
    machines: list[Machine], operator: Operator, postgres: PostgresServer
) -> None:
    here, there = machines
    (_, known), (_, unknown) = made(operator, "bob"), made(operator, "cid")
    for _ in range(6):  # known since both have noticed that there are new keys
        assert (here.ask(known), there.ask(known)) == (200, 200)
        time.sleep(0.25)
    postgres.freeze()
    until(lambda: all({"auth-keys:", "store"} <= set(one.ready()[2].split()) for one in machines))
    for _ in range(10):
        assert (here.ask(known), there.ask(known)) == (200, 200)
    assert here.ask(unknown) == 503
    status, word, told = here.ready()
    assert (status, word) == (200, "degraded")
    assert "auth-keys: the store of keys cannot be asked" in told
    assert "known ones are taken for another" in told
    assert "store postgresql: postgresql://127.0.0.1" in told
    until(lambda: here.spooled() >= 10 and there.spooled() >= 10)
    postgres.thaw()
    until(lambda: here.ready() == there.ready() == (200, "ready", ""))
    until(lambda: here.spooled() + there.spooled() == 0)
    assert exchanges(operator, "bob") == 32
    assert here.ask(unknown) == 200
    until(lambda: exchanges(operator, "cid") == 1)
