"""Rows on money: JSON with balances, limits and the durable ledger, beside the same gateway without them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import latency
import proxies
import replies
import wire
from bench import Bench
from lines import Figures, Line, worded
from processes import LOAD_CORE, pinned

from gateway.testing.postgres import PostgresServer, binaries

CHARGED = """
balance: {enabled: true, startBalance: 1000000000000}
gateway:
  permission-limits:
    limits:
      - {per: key, requests: 60000000, tokens: 1000000000000, concurrency: 10000}
"""
STORED = "  store: {{url: {url}}}\n"


def kept(bench: Bench) -> list[Line]:
    """On SQLite, and on PostgreSQL where it is installed; its server shares the load's core."""
    with ExitStack() as stack:
        upstream = stack.enter_context(proxies.answerer(bench.folder / "upstream")).port
        asked = {"without": "", "sqlite": CHARGED}
        if binaries() is not None:
            asked["postgresql"] = CHARGED + STORED.format(url=stack.enter_context(_migrated(bench.folder)))
        subjects = [
            stack.enter_context(proxies.Gateway(upstream, bench.folder / name, name=name, more=more))
            for name, more in asked.items()
        ]
        take = replies.taken(bench, wire.JSON)
        figures = bench.interleaved(subjects, lambda gateway: {**take(gateway), **latency.quantiles(bench, gateway)})
    return [line for name in asked if name != "without" for line in _lines(name, figures)]


def _lines(name: str, figures: Figures) -> list[Line]:
    beside = {one: figures[one] for one in ("without", name)}
    measure, delay = replies.ON_ONE_CORE, latency.P99
    part = figures[name][measure] / figures["without"][measure]
    more = figures[name][delay] - figures["without"][delay]
    return [
        Line(f"JSON with money on {name}", worded(beside, measure), part, "of without", 0.7, True, beside),
        Line("its latency, p99", worded(beside, delay), more, "ms over without", 5.0, figures=beside),
    ]


@contextmanager
def _migrated(folder: Path) -> Iterator[str]:
    """The URL of a database."""
    programs = binaries()
    assert programs is not None
    with ExitStack() as stack:
        with pinned({LOAD_CORE}):
            server = stack.enter_context(PostgresServer(programs, durable=True))
        file = folder / "postgresql.yaml"
        file.write_text("version: 1.3.17\ngateway:\n" + STORED.format(url=server.url))
        migrate = [sys.executable, "-m", "gateway", "--config", str(file), "migrate", "up"]
        subprocess.run(migrate, check=True, capture_output=True)
        yield server.url
