"""Kills a gateway under load again and again, and compares its ledger with the log of the upstream.

    python contrib/torture/run.py [--store sqlite|postgresql|URL] [--workers 1] [--crashes 100] [--seed N] [--first 1]
        [--every 25] [--arrivals 60] [--json FILE]

URL: of an empty PostgreSQL database; `postgresql` is a server of the driver's own, which is killed, too. After how much
of a life each kill comes is drawn by the seed and the crash's number: `--first` goes on in the middle. The exit code is
1 where anything does not add up; then the store is kept. `--without NAME` takes away something that the ledger's
promises need, so that the driver must fail; see README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from asked import Upstream
from crowd import Client
from lives import CONTROLS, Failed, Victim
from mishaps import Mishaps
from rows import PostgresRows, Rows, SqliteRows
from verdict import Evidence, Flaw, by_id, flaws, of_accounts

from gateway.testing.postgres import PostgresServer, binaries

CLIENTS = 16
MOST_DELAY = 0.1
"""Seconds after the last of the requests that a kill waits for, at most."""
PATIENCE = 30.0
"""Seconds for what happens soon."""
ENDED_WITHIN = 15.0
"""Seconds in which a gateway that has started ends what is out of date; it does so at once."""
RICH = 10**9
"""Credits that one user has; the other has what an account begins with, and is refilled, so that it is often spent."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="sqlite", help="sqlite, postgresql, or the URL of an empty database")
    parser.add_argument("--workers", type=int, default=1, help="of each gateway; one of several is killed at times")
    parser.add_argument("--crashes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--first", type=int, default=1, help="the number of the first crash")
    parser.add_argument("--every", type=int, default=25, help="compare after so many crashes, and at the end")
    parser.add_argument("--arrivals", type=int, default=60, help="requests of a life before its kill, at most")
    parser.add_argument("--json", type=Path, help="write the report there, too")
    parser.add_argument("--without", action="append", choices=CONTROLS, default=[], help="a negative control")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="gateway-torture-"))
    print(
        f"seed {options.seed}, crashes {options.first} to {options.first + options.crashes - 1}, {directory}",
        flush=True,
    )
    with ExitStack() as stack:
        server = stack.enter_context(served()) if options.store == "postgresql" else None
        report = asyncio.run(tortured(options, directory, server))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    if report["flaws"]:
        print(f"{len(report['flaws'])} flaws; the store is kept in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


def served() -> PostgresServer:
    """Raises Failed."""
    found = binaries()
    if found is None:
        raise Failed("PostgreSQL is not installed")
    return PostgresServer(found)


async def tortured(options: argparse.Namespace, directory: Path, server: PostgresServer | None) -> dict[str, Any]:
    """server: our own, to be killed as well."""
    url = None if options.store == "sqlite" else options.store
    if server is not None:
        url = server.url_of(server.create())
    key = "sk-" + secrets.token_hex(32)
    async with Upstream(str(options.seed)) as upstream:
        config = json.dumps(configured(upstream.url, url))
        rows = SqliteRows(directory / "state" / "gateway.db") if url is None else PostgresRows(url)
        async with Victim(directory, config, key, options.without, options.workers) as victim:
            keys = [key, await prepared(victim, url)]
            torture = Torture(upstream, victim, rows, keys, Mishaps(victim, server), options)
            await torture.run(options.first, options.crashes, options.every)
            return torture.report() | {
                "seed": options.seed,
                "store": "sqlite" if url is None else "postgresql",
                "workers": options.workers,
            }


async def prepared(victim: Victim, url: str | None) -> str:
    """The key of a user who is not rich."""
    if url is not None:
        await victim.done("migrate", "up")
    made = json.loads(await victim.done("keys", "create", "--user", "poor", "--json"))
    await victim.done("balance", "add", "operator", str(RICH))
    return str(made["key"])


class Torture:
    """Of one store. keys: of clients, in turn."""

    def __init__(
        self,
        upstream: Upstream,
        victim: Victim,
        rows: Rows,
        keys: Sequence[str],
        mishaps: Mishaps,
        options: argparse.Namespace,
    ) -> None:
        self._upstream = upstream
        self._victim = victim
        self._rows = rows
        self._keys = keys
        self._seed = options.seed
        self._most = options.arrivals
        self._mishaps = mishaps
        self._flaws: list[Flaw] = []
        self._settled: set[str] = set()
        self._orderly: set[int] = set()
        self._statuses: Counter[int] = Counter()
        self._outcomes: Counter[str] = Counter()
        self._crashes = 0
        self._crashing = 0.0
        """Seconds of lives that were killed."""
        self._audited = 0

    async def run(self, first: int, crashes: int, every: int) -> None:
        """Until something is wrong."""
        for number in range(first, first + crashes):
            await self._crash(number)
            if self._crashes % every == 0 or self._crashes == crashes:
                await self._compare()
                self._tell()
            if self._flaws:
                return

    def report(self) -> dict[str, Any]:
        requests = by_id(self._upstream.log)
        return {
            "crashes": self._crashes,
            "crashes_per_minute": round(self._crashes / self._crashing * 60, 1),
            "compared": self._audited,
            "requests": len(self._upstream.log),
            "attempts": len(requests),
            "killed": self._mishaps.happened,
            "sent_again": sum(len(one) - 1 for one in requests.values()),
            "ways": Counter(f"{asked.way}: {asked.outcome}" for asked in self._upstream.log),
            "settled": self._outcomes,
            "replies": {str(status): times for status, times in sorted(self._statuses.items())},
            "must_be_settled": len(self._settled),
            "flaws": [flaw._asdict() for flaw in self._flaws],
        }

    async def _crash(self, number: int) -> None:
        """One life that ends by SIGKILL in the midst of its load; other things may befall it before."""
        began, lot = time.monotonic(), Random(f"{self._seed}:{number}")
        arrivals, delay = lot.randint(0, self._most), lot.uniform(0, MOST_DELAY)
        clients = await self._begun(number)
        running = [asyncio.create_task(client.call_until_it_is_gone(self._victim.url)) for client in clients]
        await self._arrivals(arrivals)
        unharmed = await self._mishaps.befall(lot, self._more)
        await asyncio.sleep(delay)
        if await self._mishaps.end(lot) and unharmed:
            self._orderly.add(number)
        await asyncio.gather(*running)
        self._saw(clients)
        self._flaws += of_accounts(await self._rows.all("accounts"))
        self._crashes += 1
        self._crashing += time.monotonic() - began

    async def _more(self, count: int) -> None:
        await self._arrivals(self._upstream.arrived() + count)

    async def _arrivals(self, count: int) -> None:
        try:
            await asyncio.wait_for(self._upstream.arrivals(count), PATIENCE)
        except TimeoutError as error:
            raise Failed(f"{count} requests did not come:\n{self._victim.said()}") from error

    async def _begun(self, number: int) -> list[Client]:
        """number: of the life. The clients of a gateway that listens."""
        self._upstream.life = number
        await self._victim.start()
        lots = [Random(f"{self._seed}:{number}:{place}") for place in range(CLIENTS)]
        return [Client(self._keys[place % len(self._keys)], lot) for place, lot in enumerate(lots)]

    def _saw(self, clients: Sequence[Client]) -> None:
        for client in clients:
            self._settled.update(client.must_be_settled())
            self._statuses.update(status for _, status in client.ended)

    async def _compare(self) -> None:
        """After a life that ends in order, once all that was held has had its time."""
        await self._rows.outdate_holds()
        life = -self._crashes
        clients = await self._begun(life)
        await self._holds_are_over()
        running = [asyncio.create_task(client.call_until_it_is_gone(self._victim.url)) for client in clients]
        await self._arrivals(self._most)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._victim.end(signal.SIGTERM)
        self._saw(clients)
        self._orderly.add(life)
        await self._judge()

    async def _holds_are_over(self) -> None:
        for _ in range(int(ENDED_WITHIN / 0.05)):
            if not any(row["expires"] == 1 for row in await self._rows.all("holds")):
                return
            await asyncio.sleep(0.05)

    async def _judge(self) -> None:
        for row in await self._rows.all("holds"):
            self._flaws.append(Flaw("held", row["attempt"], f"{row['amount']} is held, and nobody runs that holds it"))
        settlements, accounts = await self._rows.all("settlements"), await self._rows.all("accounts")
        evidence = Evidence(self._upstream.log, settlements, accounts, self._settled, self._orderly)
        self._flaws += flaws(evidence)
        self._outcomes = Counter(f"{row['outcome']}, {row['rule']}" for row in settlements)
        _, said = await self._victim.command("audit", "--json")
        self._flaws += [Flaw("audit", one["where"], one["what"]) for one in audited(said)]
        self._audited += 1

    def _tell(self) -> None:
        report = self.report()
        words = ("crashes", "crashes_per_minute", "requests", "attempts", "sent_again", "must_be_settled")
        print(", ".join(f"{name} {report[name]}" for name in words), flush=True)
        for flaw in self._flaws[:20]:
            print(f"  {flaw.kind}: {flaw.of}: {flaw.what}", flush=True)


def audited(said: str) -> list[dict[str, str]]:
    """Discrepancies; notes may stand before them. Raises Failed where the audit did not come to an end."""
    try:
        found: list[dict[str, str]] = json.loads(said[said.index("{") :])["discrepancies"]
    except ValueError as error:
        raise Failed(f"gateway audit printed no JSON:\n{said}") from error
    return found


def configured(upstream: str, store: str | None) -> dict[str, Any]:
    """Two endpoints at the upstream, and a route over both. What is held ends ten seconds after a kill."""
    custom = [
        {
            "name": name,
            "apiKey": "k",
            "baseURL": f"{upstream}/{name}",
            "models": {"default": ["priced"]},
            "tokenConfig": {"priced": {"prompt": 1, "completion": 2, "context": 100_000}},
        }
        for name in "ab"
    ]
    route = {
        "name": "both",
        "targets": [{"model": f"{name}/priced"} for name in "ab"],
        "strategy": "weighted",
        "backoff": {"first": 0.01, "most": 0.02},
        "first_byte": 0.2,
        "breaker": None,
    }
    refill = {
        "autoRefillEnabled": True,
        "refillAmount": 2000,
        "refillIntervalValue": 1,
        "refillIntervalUnit": "seconds",
    }
    balance = {"enabled": True, "startBalance": 5000, "reservationTtlMs": 10_000, **refill}
    gateway: dict[str, Any] = {
        "models": {"allow": {"roles": ["USER"]}},
        "provider-custom": {"dialects": {name: ["openai-chat"] for name in "ab"}},
        "routes": [route],
        "retries": {"share": 1, "burst": 1000},
        "timeouts": {"drain": 1},
        "budgets": [
            {"for": "organisation", "usd": 1, "per": "minute", "cap": "soft"},
            {"for": "user", "usd": 1000, "per": "minute"},
        ],
    }
    if store is not None:
        gateway["store"] = {"url": store}
    return {"version": "1.3.17", "balance": balance, "endpoints": {"custom": custom}, "gateway": gateway}


if __name__ == "__main__":
    sys.exit(main())
