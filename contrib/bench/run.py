"""Prints what the gateway is to reach and what it reaches, in one run: `python contrib/bench/run.py`.

Beside nginx and a bare aiohttp proxy. Each proxy has the first core to itself; load and upstream share the last.
Rounds are interleaved and medians told: ratios travel between machines, the figures do not. Linux, two cores.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import agents
import events
import latency
import many
import memory
import money
import processes
import proxies
import replies
import start
import table
import workers
from bench import FULL, QUICK, Bench
from lines import Line

ROWS: dict[str, Callable[[Bench], list[Line]]] = {
    "json": replies.small,
    "large": replies.large,
    "events": events.paced,
    "burst": replies.burst,
    "latency": latency.added,
    "many": many.streams,
    "memory": memory.used,
    "start": start.listening,
    "workers": workers.two,
    "money": money.kept,
    "agents": agents.rows,
}


BUSY = 1.2
"""Processes a core; the run itself keeps one each busy."""
NO_NGINX = "nginx is not installed: beside the bare proxy alone, and what is asked beside nginx is not judged."


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    if why := unfit():
        print(f"bench: {why}", file=sys.stderr)
        return 2
    processes.allow_many_files()
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as folder:
        bench = Bench(QUICK if options.quick else FULL, Path(folder), options.soak)
        try:
            found = {row: measured(bench, row) for row in dict.fromkeys(options.only or ROWS)}
        except RuntimeError as error:
            print(f"\nbench: {error}", file=sys.stderr)
            return 1
    bench.progress("")
    print(table.drawn([line for lines in found.values() for line in lines]))
    for note in notes(options.quick):
        print(note)
    if options.json:
        Path(options.json).write_text(json.dumps(plain(found), indent=2) + "\n")
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one short round: whether it works, not how fast")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--only", nargs="+", metavar="ROW", choices=ROWS, help=f"these rows alone: {', '.join(ROWS)}")
    soak = "watch memory for so long at 70 %% load"
    parser.add_argument("--soak", type=float, default=0, metavar="MINUTES", help=soak)
    return parser.parse_args(arguments)


def unfit() -> str | None:
    if not Path("/proc/self/stat").exists():
        return "it reads /proc, so it needs Linux"
    cores = len(processes.CORES)
    return None if cores >= 2 else f"it needs two cores to itself, there are {cores}"


def measured(bench: Bench, row: str) -> list[Line]:
    bench.row = row
    bench.folder.mkdir()
    return ROWS[row](bench)


def notes(quick: bool) -> list[str]:
    found = [NO_NGINX] if proxies.nginx_path() is None else []
    if quick:
        found.append("One short round: the figures are noise.")
    if (waiting := os.getloadavg()[0]) > BUSY * (os.cpu_count() or 1):
        found.append(f"The machine was busy with more than this (load {waiting:.1f}): the figures are doubtful.")
    return found


def plain(found: dict[str, list[Line]]) -> dict[str, object]:
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "nginx": proxies.nginx_path() is not None,
        "lines": [
            {"row": row, **asdict(line), "reached": line.reached} for row, lines in found.items() for line in lines
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
