"""Kills a gateway between every two steps of an agent's run, and looks whether anything was done twice or lost.

    python contrib/torture/runs.py [--store sqlite|postgresql] [--only background|foreground] [--stride 1] [--json FILE]
    python contrib/torture/runs.py --crashes 200 [--seed N] [--store …]

Without `--crashes` one run a life is killed at its first step, at its second, and so on until one comes to its end: in
the foreground and in the background. With it several are under way at a time, kills come at drawn steps, those of a run
that is taken up included. The exit code is 1 where anything does not add up. README.md says what is compared.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

from client import Run, Teller
from lives import OF_RUNS, Failed, Victim
from mind import ADD, NOTE, Mind
from points import ARMED, IN_CALL, PASSED
from rows import PostgresRows, Rows, SqliteRows
from run import ENDED_WITHIN, RICH, audited, served
from verdict import Evidence, Flaw, flaws

from gateway.testing.postgres import PostgresServer
from gateway.testing.servers import free_port

HERE = Path(__file__).resolve().parent
MOST_STEPS = 60
"""Of which one is drawn for each kill; a run has some 25 of them."""
AT_ONCE = 3
"""Runs of a life, where kills are drawn."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--crashes", type=int, default=0, help="at drawn steps; 0: at each step once")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--only", choices=("background", "foreground"))
    parser.add_argument("--stride", type=int, default=1, help="of steps; 3: every third one")
    parser.add_argument("--json", type=Path, help="write the report there, too")
    parser.add_argument("--without", action="append", choices=OF_RUNS, default=[], help="a negative control")
    options = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="gateway-torture-"))
    print(f"seed {options.seed}, {directory}", flush=True)
    with ExitStack() as stack:
        server = stack.enter_context(served()) if options.store == "postgresql" else None
        report = asyncio.run(tortured(options, directory, server))
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    print(", ".join(f"{name} {report[name]}" for name in ("crashes", "runs", "taken_up", "notes")))
    for flaw in report["flaws"]:
        print(f"  {flaw['kind']}: {flaw['of']}: {flaw['what']}")
    if report["flaws"]:
        print(f"the store is kept in {directory}")
        return 1
    shutil.rmtree(directory)
    return 0


async def tortured(options: argparse.Namespace, directory: Path, server: PostgresServer | None) -> dict[str, Any]:
    url = None if server is None else server.url_of(server.create())
    key = "sk-" + secrets.token_hex(32)
    async with Mind() as mind, living(directory) as world:
        config = json.dumps(configured(mind.url, world, url))
        rows = SqliteRows(directory / "state" / "gateway.db") if url is None else PostgresRows(url)
        async with Victim(directory, config, key, options.without) as victim:
            if url is not None:
                await victim.done("migrate", "up")
            torture = RunTorture(directory, mind, victim, rows, key)
            if options.crashes:
                await torture.at_drawn_steps(options.crashes, Random(options.seed))
            else:
                for background in (False, True):
                    if options.only in (None, "background" if background else "foreground"):
                        await torture.at_every_step(background, options.stride)
            return await torture.report() | {"seed": options.seed, "store": options.store}


@asynccontextmanager
async def living(directory: Path) -> AsyncIterator[str]:
    """The URL of the tools' server."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, HERE / "world.py", str(port), directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(1200):
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            if process.returncode is not None:
                raise Failed(f"world.py ended with {process.returncode}; is the package mcp installed?")
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.kill()
        await process.wait()


class RunTorture:
    """Of one store."""

    def __init__(self, directory: Path, mind: Mind, victim: Victim, rows: Rows, key: str) -> None:
        self._directory = directory
        self._mind = mind
        self._victim = victim
        self._rows = rows
        self._key = key
        self._runs: list[Run] = []
        self._crashes = 0
        self._flaws: list[Flaw] = []

    async def at_every_step(self, background: bool, stride: int) -> None:
        """One life after another; each begins with what is left of the one before. The last kill meets a call of a tool
        while it is made.
        """
        before: Run | None = None
        step = 1
        while before is None or before.killed:
            before = await self._until(step, background, before)
            step += stride
        await self._lives(await self._in_call(background))
        await self._victim.end(signal.SIGTERM)

    async def _until(self, step: int, background: bool, before: Run | None) -> Run:
        """The run that is killed there, or ends before. Raises Failed."""
        await self._lives(before)
        self._arm(step)
        run = await self._begun(str(step), background)
        if run.ended:
            self._disarm()
            await self._victim.end(signal.SIGTERM)
        else:
            await self._is_killed([run])
            if self._passed() < step:
                raise Failed(f"the gateway ended before step {step}:\n{self._victim.said()}")
        return run

    async def _in_call(self, background: bool) -> Run:
        await self._lives(None)
        (self._directory / IN_CALL).write_text(str(self._victim.pid))
        run = await self._begun("in-call", background)
        await self._is_killed([run])
        return run

    async def _begun(self, number: str, background: bool) -> Run:
        run = Run(f"{'back' if background else 'fore'}-{number}", background)
        self._runs.append(run)
        await self._teller().begin(run)
        return run

    async def at_drawn_steps(self, crashes: int, lot: Random) -> None:
        waiting: list[Run] = []
        for number in range(crashes):
            self._arm(lot.randint(1, MOST_STEPS))
            await self._outdated()
            self._mind.life += 1
            try:
                await self._victim.start()
            except Failed:  # at a step of what was taken up, before it said that it listens
                await self._is_killed(waiting)
                continue
            fresh = [Run(f"run-{number}-{place}", lot.random() < 0.7) for place in range(AT_ONCE)]
            self._runs += fresh
            waiting += [run for run in fresh if run.background]
            teller = self._teller()
            tasks = [asyncio.create_task(teller.begin(run)) for run in fresh]
            tasks += [asyncio.create_task(teller.follow(run)) for run in waiting if run not in fresh]
            while not await self._victim.is_gone():
                if all(task.done() for task in tasks):  # it was drawn too late
                    await self._victim.kill()
                    break
                await asyncio.sleep(0.01)
            await asyncio.gather(*tasks)
            await self._is_killed(waiting + [run for run in fresh if not run.background])
            waiting = [run for run in waiting if not run.ended]
        self._disarm()
        await self._lives(None)
        for run in self._runs:
            await self._compare(run)
        await self._victim.end(signal.SIGTERM)

    async def report(self) -> dict[str, Any]:
        """After a life in which what was held is ended."""
        await self._settled()
        notes = self._notes()
        for line in sorted(set(notes)):
            if notes.count(line) > 1:
                self._flaws.append(Flaw("twice", line, f"it was written {notes.count(line)} times"))
        return {
            "crashes": self._crashes,
            "runs": len(self._runs),
            "taken_up": sum(row["term"] for row in await self._rows.all("responses")),
            "notes": len(notes),
            "steps": self._steps(),
            "flaws": [flaw._asdict() for flaw in self._flaws],
        }

    async def _lives(self, before: Run | None) -> None:
        """A gateway, once it has done with what is left of that run."""
        await self._outdated()
        self._mind.life += 1
        await self._victim.start()
        if before is not None:
            await self._compare(before)

    async def _outdated(self) -> None:
        """As if the process that ran them were gone for long."""
        if not self._crashes:
            return
        await self._rows.change("UPDATE responses SET beat = 0 WHERE beat IS NOT NULL")
        await self._rows.change("UPDATE runs SET until = 1 WHERE state = 'running'")

    async def _compare(self, run: Run) -> None:
        teller = self._teller()
        if run.background:
            await self._look_up(run)
            await teller.follow(run)
            await self._look_up(run)
        notes = [line for line in self._notes() if line.startswith(f"{run.name} ")]
        asks = {turn: count for (name, turn), count in self._mind.asks.items() if name == run.name}
        self._flaws += await teller.flaws(run, notes, asks)

    async def _look_up(self, run: Run) -> None:
        """What its client may not have been told: its id, and how often it was tried."""
        for row in await self._rows.all("responses"):
            if f'"{run.name}"' in bytes(row["input"]).decode():
                run.exchange, run.tries = "ex_" + str(row["id"]).removeprefix("resp_"), row["tries"]
                return

    async def _is_killed(self, runs: Sequence[Run]) -> None:
        await self._victim.gone()
        self._disarm()
        self._crashes += 1
        for run in runs:
            run.killed += 1

    async def _settled(self) -> None:
        await self._rows.outdate_holds()
        self._mind.life += 1
        await self._victim.start()
        for _ in range(int(ENDED_WITHIN / 0.05)):
            if not await self._rows.all("holds"):
                break
            await asyncio.sleep(0.05)
        await self._victim.end(signal.SIGTERM)
        for row in await self._rows.all("holds"):
            self._flaws.append(Flaw("held", row["attempt"], "nobody runs that holds it"))
        settlements, accounts = await self._rows.all("settlements"), await self._rows.all("accounts")
        self._flaws += flaws(Evidence(self._mind.log, settlements, accounts))
        _, said = await self._victim.command("audit", "--json")
        self._flaws += [Flaw("audit", one["where"], one["what"]) for one in audited(said)]

    def _teller(self) -> Teller:
        return Teller(self._victim.url, self._key)

    def _notes(self) -> list[str]:
        file = self._directory / "notes"
        return file.read_text().splitlines() if file.exists() else []

    def _arm(self, step: int) -> None:
        (self._directory / PASSED).unlink(missing_ok=True)
        (self._directory / ARMED).write_text(str(step))

    def _disarm(self) -> None:
        (self._directory / ARMED).unlink(missing_ok=True)

    def _steps(self) -> list[str]:
        """Of the run that passed the most."""
        file = self._directory / PASSED
        return [line.partition(" ")[2] for line in file.read_text().splitlines()] if file.exists() else []

    def _passed(self) -> int:
        return len(self._steps())


def configured(upstream: str, world: str, store: str | None) -> dict[str, Any]:
    """One agent. A run in the background that is silent for two seconds is taken up."""
    endpoint = {
        "name": "up",
        "apiKey": "k",
        "baseURL": f"{upstream}/v1",
        "models": {"default": ["priced"]},
        "tokenConfig": {"priced": {"prompt": 1, "completion": 2, "context": 100_000}},
    }
    agent = {"id": "agent_world", "endpoint": "up", "model": "priced", "tools": [ADD, NOTE]}
    gateway: dict[str, Any] = {
        "agents": [agent],
        "dialect-open-responses": {"silence": 2},
        "provider-custom": {"dialects": {"up": ["openai-chat"]}},
    }
    if store is not None:
        gateway["store"] = {"url": store}
    return {
        "version": "1.3.17",
        "balance": {"enabled": True, "startBalance": RICH},
        "mcpServers": {"world": {"type": "streamable-http", "url": world}},
        "endpoints": {"custom": [endpoint]},
        "gateway": gateway,
    }


if __name__ == "__main__":
    sys.exit(main())
