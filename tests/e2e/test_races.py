"""A cent is left, and sixty-four clients of four workers want it: the cap of a balance or a budget is never passed."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest
from books import configured, eventually

from gateway.testing.fake_upstream import FakeUpstream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.postgres import PostgresServer
from gateway.testing.running import RunningGateway

CLIENTS, WORKERS, CENT = 64, "4", 10_000_000
USAGE = {"prompt_tokens": 500, "completion_tokens": 250, "total_tokens": 750}
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Well."}, "finish_reason": "stop"}
REPLY = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [CHOICE], "usage": USAGE}
CALL = {"model": "chat/priced", "max_tokens": 250, "messages": [{"role": "user", "content": "x" * 2000}]}
OF = {
    "balance": (("balance", "list"), ("available", "held", "spent")),
    "budget": (("budgets", "list"), ("left", "held", "used")),
}
"""What lists the account, and what its parts are called there."""


async def called(gateway: RunningGateway, key: str) -> list[int]:
    headers = {"Authorization": f"Bearer {key}"}

    async def one() -> int:
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(gateway.url + "/v1/chat/completions", json=CALL) as came,
        ):
            await came.read()
            return came.status

    return list(await asyncio.gather(*(one() for _ in range(CLIENTS))))


@pytest.mark.parametrize("of", ["balance", "budget"])
@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_sixty_four_clients_of_four_workers_spend_no_more_than_the_cent_that_is_left(
    upstream: FakeUpstream,
    tmp_path: Path,
    operate: Callable[..., str],
    request: pytest.FixtureRequest,
    store: str,
    of: str,
) -> None:
    """Fails where an account is read without its lock, or held on by what a worker remembers of it."""
    upstream.answer("/chat/chat/completions", whole(REPLY))
    before, config = len(upstream.arrived), configured(upstream.url)
    if of == "budget":
        config["balance"]["startBalance"] = 10**9
        config["gateway"]["budgets"] = [{"for": "key", "usd": 0.01}]
    if store == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        config["gateway"]["store"] = {"url": postgres.url_of(postgres.create())}
        (tmp_path / "librechat.yaml").write_text(json.dumps(config))
        subprocess.run([sys.executable, "-m", "gateway", "migrate", "up"], cwd=tmp_path, check=True)
    with RunningGateway(tmp_path, json.dumps(config), "--workers", WORKERS) as gateway:
        key = gateway.key if of == "balance" else json.loads(operate(gateway, "keys", "create", "--json"))["key"]
        statuses = asyncio.run(called(gateway, key))
        assert set(statuses) <= {200, 402}

        listed, parts = OF[of]

        def account() -> dict[str, int]:
            rows = json.loads(operate(gateway, *listed, "--json"))
            [found] = [row for row in rows if row[parts[0]] is not None]
            return {name: found[name] for name in parts}

        eventually(lambda: account()["held"] == 0)
        found, served = account(), statuses.count(200)
        left, spent = found[parts[0]], found[parts[2]]
        assert (left + spent, left >= 0) == (CENT, True)
        assert served == len(upstream.arrived) - before
        assert spent > CENT / 2
        assert json.loads(operate(gateway, "audit", "--json"))["discrepancies"] == []
