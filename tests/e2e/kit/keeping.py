"""A gateway in front of a `Recalling` upstream, on either store, and what it keeps, seen past it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from click.testing import CliRunner
from openai import OpenAI
from recalling import Recalling

from gateway.cli import main
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

Json = dict[str, Any]


def config_of(url: str, store: Json) -> Json:
    def endpoint(name: str) -> Json:
        return {"name": name, "apiKey": "k", "baseURL": f"{url}/{name}/v1", "models": {"default": ["m"]}}

    return {
        "version": "1.3.17",
        "interface": {"remoteAgents": {"use": True}},
        "endpoints": {"custom": [endpoint(name) for name in ("chat", "native", "keeping")]},
        "gateway": {
            "http": {"root_alias": True},
            "models": {"allow": {"roles": ["USER", "ADMIN"]}},
            "agents": [
                {"id": "agent_a", "endpoint": "chat", "model": "m", "instructions": "Be kind."},
                {"id": "agent_b", "endpoint": "native", "model": "m"},
                {"id": "agent_m", "endpoint": "chat", "model": "m", "instructions": "Be kind.", "memory": "server"},
                {"id": "agent_n", "endpoint": "native", "model": "m", "memory": "server"},
            ],
            "provider-custom": {
                "dialects": {"chat": ["openai-chat"], "native": ["open-responses"], "keeping": ["open-responses"]},
                "upstreams": {"keeping": {"keeps_responses": True}},
            },
            **store,
        },
    }


class Place:
    """A gateway of two workers. tables: rows of what is kept, past the gateway."""

    def __init__(self, running: RunningGateway, sql: Callable[[str], list[str]], operator: Callable[..., str]) -> None:
        self.running = running
        self.sql = sql
        self._clients = ExitStack()
        self.operator = operator

    def key(self, user: str, *more: str) -> str:
        return str(json.loads(self.operator("keys", "create", "--json", "--user", user, *more))["key"])

    def sdk(self, key: str = RunningGateway.key, mount: str = "/v1") -> OpenAI:
        made = OpenAI(base_url=self.running.url + mount, api_key=key, max_retries=0, timeout=30)
        self._clients.callback(made.close)
        return made

    def close(self) -> None:
        self._clients.close()

    def rows(self, text: str) -> int:
        """How many rows of what is kept hold this text somewhere."""
        columns = "id, previous_id, conversation_id, CAST(input AS TEXT), CAST(reply AS TEXT)"
        found = [
            *self.sql(f"SELECT {columns} FROM responses"),
            *self.sql("SELECT response_id, CAST(frame AS TEXT) FROM response_frames"),
            *self.sql("SELECT id, metadata FROM conversations"),
            *self.sql("SELECT conversation_id, id, CAST(body AS TEXT) FROM conversation_items"),
        ]
        return sum(text in row for row in found)


def of_sqlite(directory: Path) -> Callable[[str], list[str]]:
    import sqlite3

    def sql(text: str) -> list[str]:
        connection = sqlite3.connect(directory / "gateway.db", timeout=10)
        try:
            return [str(row) for row in connection.execute(text).fetchall()]
        finally:
            connection.close()

    return sql


def of_postgres(server: PostgresServer, database: str) -> Callable[[str], list[str]]:
    def sql(text: str) -> list[str]:
        for column in ("input", "reply", "frame", "body"):
            text = text.replace(f"CAST({column} AS TEXT)", f"encode({column}, 'escape')")
        return server.sql(text, database).splitlines()

    return sql


@contextmanager
def placed(
    directory: Path,
    recalling: Recalling,
    server: PostgresServer | None = None,
    workers: int = 2,
    drain: float = 1,
    environ: Mapping[str, str] | None = None,
    **more: Any,
) -> Iterator[Place]:
    """more: of `gateway.dialect-open-responses`."""
    with ExitStack() as stack:
        store: Json = {"workers": workers, "timeouts": {"drain": drain}, "dialect-open-responses": more}
        database = ""
        if server is not None:
            database = server.create()
            stack.callback(server.drop, database)
            store["store"] = {"url": server.url_of(database)}
        config = json.dumps(config_of(recalling.url, store))
        file = directory / "config" / "librechat.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(config)
        operators = {"GATEWAY_STATE_DIR": str(directory / "g" / "state")}

        def operator(*words: str) -> str:
            ended = CliRunner().invoke(main, ["-c", str(file), *words], env=operators)
            assert ended.exit_code == 0, ended.output
            return ended.stdout

        if server is not None:
            operator("migrate", "up")
        running = stack.enter_context(RunningGateway(directory / "g", config, environ=environ))
        sql = of_sqlite(directory / "g" / "state") if server is None else of_postgres(server, database)
        place = Place(running, sql, operator)
        stack.callback(place.close)
        yield place
    assert "Traceback" not in running.printed


def refused(kind: type[openai.APIStatusError], ask: Callable[[], object]) -> Any:
    with pytest.raises(kind) as caught:
        ask()
    return caught.value
