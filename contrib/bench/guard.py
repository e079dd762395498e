"""Fails where a request has become dear: its CPU beside the bare proxy's, against what was recorded in `guard.json`.

python contrib/bench/guard.py             exit code 1 where it is 40 % worse, twice in a row
python contrib/bench/guard.py --record    writes what it is now
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import processes
import proxies
import replies
import wire
from processes import Process

RECORDED = Path(__file__).with_name("guard.json")
WORSE = 1.4
ROUNDS, SECONDS, CONNECTIONS = 7, 0.5, 16
"""A round is both proxies, about a second."""
WARMING = 0.3
DEARER = """guard: it has become dearer. Where that is worth it, record it on a quiet machine:
    python contrib/bench/guard.py --record"""


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    if not Path("/proc/self/stat").exists():
        print("guard: it reads /proc, so it needs Linux; nothing was measured", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory(prefix="gateway-guard-") as folder, ExitStack() as stack:
        pair = started(stack, Path(folder))
        if options.record:
            return record(ratio(Path(folder), *pair))
        recorded = json.loads(RECORDED.read_text())
        worst = WORSE * recorded["ratio"]
        found = ratio(Path(folder), *pair)
        if found > worst:
            print(f"a request costs {found:.2f} times the bare proxy's CPU: once more")
            found = min(found, ratio(Path(folder), *pair))
    return judged(found, recorded, worst)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--record", action="store_true", help="write the ratio down instead; on a quiet machine")
    return parser.parse_args(arguments)


def started(stack: ExitStack, folder: Path) -> tuple[Process, Process]:
    """The gateway and the bare proxy, both warm. The same everywhere: neither nginx nor wrk is used."""
    upstream = stack.enter_context(proxies.streamer(folder / "upstream"))
    bare = stack.enter_context(proxies.bare(upstream.port, folder / "bare"))
    gateway = stack.enter_context(proxies.Gateway(upstream.port, folder / "gateway"))
    for proxy in (gateway, bare):
        replies.by_own_load(folder, proxy, wire.JSON, CONNECTIONS, WARMING)
    return gateway, bare


def ratio(folder: Path, gateway: Process, bare: Process) -> float:
    """Of each round by itself, so that what slows a moment down slows both; the median of them."""
    found = []
    for _ in range(ROUNDS):
        ours, theirs = (
            replies.by_own_load(folder, proxy, wire.JSON, CONNECTIONS, SECONDS)[replies.CPU]
            for proxy in (gateway, bare)
        )
        found.append(ours / theirs)
    print(f"CPU of a request, to the bare proxy's: {' '.join(f'{one:.2f}' for one in found)}", flush=True)
    return statistics.median(found)


def record(found: float) -> int:
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    written = {"ratio": round(found, 3), "date": datetime.now(UTC).date().isoformat(), "machine": machine}
    RECORDED.write_text(json.dumps(written, indent=2) + "\n")
    print(f"recorded: {found:.3f}")
    return 0


def judged(found: float, recorded: dict[str, object], worst: float) -> int:
    when = f"{recorded['ratio']} on {recorded['date']} ({recorded['machine']})"
    print(f"a request costs {found:.2f} times the bare proxy's CPU; it was {when}, and may be {worst:.2f}")
    if found <= worst:
        return 0
    print(DEARER, file=sys.stderr)
    return 1


if __name__ == "__main__":
    processes.allow_many_files()
    sys.exit(main())
